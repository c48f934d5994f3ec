//! A pipeline as it is described, by a manifest or from Rust: what there is and how it hangs together.
//!
//! Nothing here is opened or checked; `check_graph` says whether the names and numbers fit together.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::batch::rate::RateOptions;
use crate::dead_letters::LetterFiles;
use crate::operator::{Operator, Tolerance};
use crate::plugin::{Plugin, PluginSpec};
use crate::record::Interval;
use crate::sink::Sink;
use crate::source::Source;

/// What a batch is cut into where nothing else is said.
pub const DEFAULT_PARTITIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// The most partitions: as many as there are key groups.
pub const MAX_PARTITIONS: usize = 128;

/// The most worker threads.
pub const MAX_WORKERS: usize = 1024;

/// A pipeline by its options, in the order they were given.
#[derive(Debug)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The time from one batch to the next.
    pub interval: Interval,
    /// How many threads work on a batch; none for as many as there are cores.
    pub workers: Option<NonZeroUsize>,
    /// What a batch is cut into.
    pub partitions: NonZeroUsize,
    /// How much a batch takes of each source.
    pub rate: RateOptions,
    /// Whether batches that are late run as one, where nothing depends on their number.
    pub merge_late: bool,
    /// Where state is kept; none to keep nothing.
    pub checkpoint: Option<PathBuf>,
    /// Where to listen for whoever wants to look at it or to change it while it runs; none for nowhere.
    pub control: Option<SocketAddr>,
    /// User code, by name.
    pub plugins: IndexMap<String, PluginSource>,
    /// Where rows come from, by the name of the stream they make.
    pub sources: IndexMap<String, Box<dyn Source>>,
    /// Streams made from others, by name.
    pub streams: IndexMap<String, Stream>,
    /// Where rows go, by name.
    pub sinks: IndexMap<String, Output>,
    /// Where rows go that could not be processed; none for files under the checkpoint, or the log without one.
    pub dead_letters: Option<DeadLetterSpec>,
}

impl Pipeline {
    /// A pipeline without anything in it, with everything else as by default.
    pub fn new(name: impl Into<String>, interval: Interval) -> Self {
        Self {
            name: name.into(),
            interval,
            workers: None,
            partitions: DEFAULT_PARTITIONS,
            rate: RateOptions::default(),
            merge_late: true,
            checkpoint: None,
            control: None,
            plugins: IndexMap::new(),
            sources: IndexMap::new(),
            streams: IndexMap::new(),
            sinks: IndexMap::new(),
            dead_letters: None,
        }
    }

    /// Where rows go that could not be processed.
    pub fn dead_letters(&self) -> DeadLetterSpec {
        match (&self.dead_letters, &self.checkpoint) {
            (Some(spec), _) => spec.clone(),
            (None, Some(checkpoint)) => {
                DeadLetterSpec::Files(LetterFiles::new(checkpoint.join("dead_letters")))
            }
            (None, None) => DeadLetterSpec::Log,
        }
    }
}

/// Where a plugin's code comes from.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a pipeline has a few of them, made once")]
pub enum PluginSource {
    /// A file of Wasm.
    File(PluginSpec),
    /// Code that is part of the program.
    Native(Arc<dyn Plugin>),
}

/// A stream made from others.
#[derive(Debug)]
pub struct Stream {
    /// The sources or streams it is made from, in order.
    pub from: Vec<String>,
    /// How.
    pub op: Box<dyn Operator>,
    /// What becomes of rows on which its plugin fails.
    pub tolerance: Tolerance,
}

/// Where the rows of a stream go.
#[derive(Debug)]
pub struct Output {
    /// The source or stream.
    pub from: String,
    /// Where to.
    pub sink: Box<dyn Sink>,
}

/// Where rows go that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetterSpec {
    /// To the log.
    Log,
    /// To files in a directory.
    Files(LetterFiles),
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;

    #[test]
    fn dead_letters_go_under_the_checkpoint_unless_the_pipeline_says_where() {
        let mut pipeline = Pipeline::new("p", Interval::new(Duration::from_secs(1)).unwrap());
        assert_eq!(pipeline.dead_letters(), DeadLetterSpec::Log);
        pipeline.checkpoint = Some("state".into());
        let DeadLetterSpec::Files(files) = pipeline.dead_letters() else { panic!("not to files") };
        assert_eq!(files.path, Path::new("state/dead_letters"));
        pipeline.dead_letters = Some(DeadLetterSpec::Log);
        assert_eq!(pipeline.dead_letters(), DeadLetterSpec::Log);
    }
}
