//! How far a pipeline is, for whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use crate::context::{BatchReport, Listener};

/// Hears of batches, and remembers so much of them as a status tells. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Heard>>);

#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) batches: u64,
    pub(super) rows_in: u64,
    pub(super) dead_letters: u64,
    pub(super) last: Option<BatchReport>,
}

impl Progress {
    pub(super) fn heard(&self) -> Heard {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Listener for Progress {
    fn batch_completed(&mut self, report: &BatchReport) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.batches += 1;
        heard.rows_in += report.num_rows_in() as u64;
        heard.dead_letters += report.num_dead_letters as u64;
        heard.last = Some(report.clone());
    }
}
