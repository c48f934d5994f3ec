//! How a run differs from the pipeline's own words.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::record::Interval;
use crate::source::Extent;

/// How to run a pipeline.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Whether to end once what is there was processed.
    pub extent: Extent,
    /// Stop after so many batches.
    pub batches: Option<u64>,
    /// Stop after so long.
    pub duration: Option<Duration>,
    /// So many workers, whatever the pipeline says.
    pub workers: Option<NonZeroUsize>,
    /// The interval of a pipeline that may write to the same sinks meanwhile, or did before: no batch has a time that
    /// one of its batches may have, nor one that a sink knows already.
    pub beside: Option<Interval>,
    /// Sources and streams of which nothing is to be taken up from the checkpoint.
    pub drop_state: Vec<String>,
    /// Whether plugins begin with what is in their files, rather than with the versions that ran last.
    pub new_plugins: bool,
    /// Write the metrics to this file: at the start, after batches, at most once a second, and at the end.
    pub metrics_file: Option<PathBuf>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            extent: Extent::Endless,
            batches: None,
            duration: None,
            workers: None,
            beside: None,
            drop_state: Vec::new(),
            new_plugins: false,
            metrics_file: None,
        }
    }
}
