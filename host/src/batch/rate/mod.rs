//! How much a batch takes of each source, so that batches fit their interval however much there is.
//!
//! What a batch was comes in after it: rows, how long they took, how late it began. Rates go out, in rows a second and by
//! source. A `RateControl` decides on them: `Fit` by default, or `Pid` as Spark does. A `Limiter` holds a source to its
//! rate. Nothing here asks for the time.

mod fit;
mod limiter;
mod options;
mod pid;

use std::time::Duration;

use crate::record::BatchTime;

pub use fit::Fit;
pub use limiter::Limiter;
pub use options::{RateError, RateMode, RateOptions};
pub use pid::{Pid, PidOptions};

/// What a batch was.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Its time.
    pub time: BatchTime,
    /// How long it took.
    pub processing: Duration,
    /// How long after its time it began.
    pub delay: Duration,
    /// What it had of each source, always in the same order.
    pub sources: Vec<SourceLoad>,
}

/// What a batch had of one source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceLoad {
    /// Its rows.
    pub num_rows: usize,
    /// Whether more was there than the batch was allowed to take.
    pub has_more: bool,
    /// The rate that was in force, in rows a second; none where there was none.
    pub rate: Option<f64>,
}

/// Decides how many rows a second each source may bring.
pub trait RateControl: Send {
    /// After a batch: the new rate of each source in rows a second, none where the present one stays. One that is not
    /// above 0 changes nothing.
    fn rates(&mut self, load: &Load) -> Vec<Option<f64>>;
}
