//! How many workers a run has, and changing that while it runs.
//!
//! Whoever asks waits for the next batch, before which the driver lets workers come or go.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Sender, bounded};

use crate::manifest::MAX_WORKERS;
use crate::record::BatchTime;
use crate::schedule::Executor;

/// A handle to the workers of a pipeline that runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Whoever asks has it, so that one is asked for at a time.
    turn: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    number: usize,
    asked: Option<(usize, Sender<Answer>)>,
    has_ended: bool,
}

type Answer = Result<WorkersChange, WorkersError>;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkersChange {
    /// How many there were.
    pub from: usize,
    /// How many there are.
    pub to: usize,
    /// The first batch that these run.
    pub batch: BatchTime,
}

/// Why the number of workers stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkersError {
    /// There can't be so many.
    #[error("there can't be {0} workers; write a number from 1 to {max}", max = MAX_WORKERS)]
    Number(usize),
    /// It runs no more.
    #[error("the pipeline has ended; start it with --workers")]
    Ended,
    /// The system has no room for more.
    #[error("cannot start a thread, so that there are {number} workers now: {source}; ask for fewer")]
    Thread {
        /// How many there are.
        number: usize,
        /// What the system said.
        source: io::Error,
    },
}

impl Workers {
    pub(super) fn new(number: usize) -> Self {
        let state = State { number, asked: None, has_ended: false };
        Self(Arc::new(Shared { turn: Mutex::default(), state: Mutex::new(state) }))
    }

    /// How many there are.
    pub fn number(&self) -> usize {
        self.state().number
    }

    /// Lets so many workers run batches from the next one on; answers when they do, or why not. Not to be called by a
    /// listener or a sink, which the next batch waits for.
    pub fn set(&self, number: usize) -> Result<WorkersChange, WorkersError> {
        if !(1..=MAX_WORKERS).contains(&number) {
            return Err(WorkersError::Number(number));
        }
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, answered) = bounded(1);
        {
            let mut state = self.state();
            if state.has_ended {
                return Err(WorkersError::Ended);
            }
            state.asked = Some((number, answer));
        }
        answered.recv().unwrap_or(Err(WorkersError::Ended))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver's side of it. Whoever waits when it is dropped is told that nothing will come.
pub(super) struct Staff(pub(super) Workers);

impl Staff {
    /// Changes the number of workers of `executor`, where that was asked for, before the batch at `batch`. Answers whether
    /// it was.
    pub(super) fn change(&self, executor: &mut Executor, batch: BatchTime) -> bool {
        let Some((number, answer)) = self.0.state().asked.take() else { return false };
        let from = executor.num_workers();
        let resized = executor.resize(number);
        let to = executor.num_workers();
        self.0.state().number = to;
        tracing::info!(from, to, %batch, "workers changed");
        let changed = WorkersChange { from, to, batch };
        // Whoever asked may have gone.
        let _ = answer.send(match resized {
            Ok(()) => Ok(changed),
            Err(source) => Err(WorkersError::Thread { number: to, source }),
        });
        true
    }
}

impl Drop for Staff {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.has_ended = true;
        state.asked = None;
    }
}
