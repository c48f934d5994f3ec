//! Where blocks of receivers are written before they count as received.

use async_trait::async_trait;

use crate::source::{Block, SourceError};

/// A log of the blocks of one source, which survives a crash.
#[async_trait]
pub trait Log: Send + Sync {
    /// Writes a block that arrived at `arrived_millis`, and answers its number once it is on the disk. With it is written
    /// that of the sender `from` everything up to a sequence number is there, where that is told.
    async fn append(
        &self,
        arrived_millis: i64,
        block: &Block,
        from: Option<(&str, u64)>,
    ) -> Result<u64, SourceError>;

    /// Up to which sequence number everything of a sender is on the disk; none where nothing is known of it.
    fn highest(&self, sender: &str) -> Result<Option<u64>, SourceError>;
}
