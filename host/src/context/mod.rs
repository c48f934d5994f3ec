//! One run of one pipeline: built, started once, stopped once.
//!
//! A `StreamingContext` is a pipeline in the making; `start` checks all of it, opens sources and sinks, and answers a
//! `RunningContext`. A thread of its own then drives batch after batch: cut, run; and makes
//! each final, or has a second one do so beside the next: stage, commit, publish, report.

mod builder;
mod control;
mod dead_letters;
mod driver;
mod durable;
mod finish;
mod inputs;
mod measured;
mod options;
mod outputs;
mod rates;
mod replay;
mod report;
mod running;
mod slices;
pub mod swap;
mod workers;

pub use builder::{PluginHandle, StreamHandle, StreamingContext};
pub use control::{Control, StopMode};
pub use measured::MetricsFileError;
pub use options::RunOptions;
pub use replay::{Replay, ReplayError};
pub use report::{BatchReport, BatchStart, BatchSubmission, Listener, OutputReport, ReceiverEvent, Summary};
pub use running::{RunError, RunningContext, StartError, start};
pub use slices::NotRemembered;
pub use workers::{Workers, WorkersChange, WorkersError};
