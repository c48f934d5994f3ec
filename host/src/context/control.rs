//! The request to stop, seen by whoever drives batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::watch;

use crate::batch::Wake;
use crate::source::Stop;

/// How to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopMode {
    /// Take no more input, process and publish all that was received.
    Graceful,
    /// End after the running batch; what waits is dropped.
    Immediate,
}

/// The handle of a running pipeline. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Control {
    asked: Arc<AtomicU8>,
    pub(super) wake: Arc<Wake>,
    /// True once it is to stop immediately.
    immediate: Arc<watch::Sender<bool>>,
}

impl Control {
    /// Asks the pipeline to stop. A later, stricter request overrides an earlier one.
    pub fn stop(&self, mode: StopMode) {
        let asked = match mode {
            StopMode::Graceful => 1,
            StopMode::Immediate => 2,
        };
        self.asked.fetch_max(asked, Ordering::SeqCst);
        if mode == StopMode::Immediate {
            self.immediate.send_replace(true);
        }
        self.wake.ring();
    }

    /// An immediate stop, as those see it who wait for something else than the next batch.
    pub(super) fn immediate(&self) -> Stop {
        Stop::of(&self.immediate)
    }

    /// What was asked for.
    pub fn asked(&self) -> Option<StopMode> {
        match self.asked.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(StopMode::Graceful),
            _ => Some(StopMode::Immediate),
        }
    }
}
