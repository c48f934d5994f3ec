//! Which letters are meant.

use super::read::Found;
use crate::record::{BatchTime, DeadLetterKind};

/// Letters by what they say; what is left out doesn't matter.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Set aside by this source or stream.
    pub origin: Option<String>,
    /// Of this input of an operator that has several.
    pub input: Option<String>,
    /// Of this kind.
    pub kind: Option<DeadLetterKind>,
    /// Of batches of this time or later.
    pub since: Option<BatchTime>,
    /// Of batches of this time or earlier.
    pub until: Option<BatchTime>,
    /// Also those that were replayed.
    pub replayed: bool,
}

impl Selection {
    /// Whether `found` is meant.
    pub fn includes(&self, found: &Found) -> bool {
        let letter = &found.letter;
        (self.replayed || !found.replayed)
            && self.origin.as_ref().is_none_or(|origin| *origin == letter.origin)
            && self.input.as_ref().is_none_or(|input| letter.input.as_ref() == Some(input))
            && self.kind.is_none_or(|kind| kind == letter.kind)
            && self.since.is_none_or(|since| letter.batch_time >= since)
            && self.until.is_none_or(|until| letter.batch_time <= until)
    }
}
