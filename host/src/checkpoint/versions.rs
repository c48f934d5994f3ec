//! Which versions of plugins ran, and how each came into use.

use serde::{Deserialize, Serialize};

use crate::record::BatchTime;

/// A change of the code of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionChange {
    /// The plugin's name in the manifest.
    pub plugin: String,
    /// The SHA-256 of the file that is in use since.
    pub digest: String,
    /// That of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The time of the first batch, in milliseconds since the Unix epoch.
    pub time: i64,
    /// How it came.
    pub how: How,
    /// Why, where something failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a version of a plugin came into use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The pipeline started with it.
    Start,
    /// Somebody swapped it.
    Swap,
    /// Its file changed.
    Watch,
    /// Somebody went back to it.
    Rollback,
    /// The one after it failed.
    Failed,
}

impl How {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Swap => "swap",
            Self::Watch => "watch",
            Self::Rollback => "rollback",
            Self::Failed => "failed",
        }
    }
}

impl VersionChange {
    /// The first batch.
    pub const fn batch_time(&self) -> BatchTime {
        BatchTime::from_millis(self.time)
    }
}
