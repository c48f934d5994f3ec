//! How a batch is worked through: a job runs the stages of a plan, a stage is a task a partition, and worker
//! threads run tasks with operators of their own.
//!
//! Input partitions of a batch come in; the rows of each output, and what was set aside, go out. The result is the
//! same for any number of workers: it is put together in the order of partitions, whoever was done first. Knows
//! nothing of manifests, clocks, sources or sinks.

mod job;
mod pool;
mod stage;
mod task;
mod version;

pub use job::{Executor, JobResult, StageInput};
pub use stage::{Node, Origin, Port, Stage, StagePlan, Target};
pub use task::{Input, TaskError};
pub use version::Version;
