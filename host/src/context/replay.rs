//! Running dead letters through the operator that set them aside, and what is made of its rows.
//!
//! Comes in: a pipeline, perhaps with another plugin than at the time, and which letters are meant. The rows go to the
//! pipeline's sinks; what fails again becomes a dead letter again. After each batch that was published its letters are
//! marked. A crash in between leaves them unmarked: each letter is replayed at least once.

use std::sync::Arc;
use std::time::Duration;

use super::options::RunOptions;
use super::report::{BatchReport, Listener, Summary};
use super::running::{RunError, RunningContext, StartError, start};
use crate::batch::Clock;
use crate::dead_letters::{LetterError, LetterFiles, Letters, Replayed, Selection};
use crate::manifest::{DeadLetterSpec, Fault, Pipeline};
use crate::plan::{OpenedPipeline, PartError, Role, part_from};
use crate::plugin::Engine;
use crate::record::Interval;
use crate::source::{Extent, LetterSource, Pick, Progress, SourceError, Tally};

/// Why letters can't be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The pipeline is wrong.
    #[error(transparent)]
    Wrong(#[from] Fault),
    /// There is no such operator to replay letters from.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The letters were not kept.
    #[error("the pipeline's dead letters go to the log; let [dead_letters] have kind = \"files\" and a path")]
    NotKept,
    /// The letters can't be read.
    #[error(transparent)]
    Letters(#[from] LetterError),
    /// The letters can't be made rows.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Letters of one operator that are to be replayed.
pub struct Replay {
    pipeline: Arc<Pipeline>,
    /// The interval of the pipeline that the part was taken from.
    interval: Interval,
    files: LetterFiles,
    sources: Vec<LetterSource>,
    progress: Progress,
    num_letters: u64,
}

/// The interval of a replay's batches: they are cut as fast as they run, and their times are to fit between others.
const INTERVAL: Duration = Duration::from_millis(1);

impl Replay {
    /// Opens `pipeline`, and takes of it the stream `operator` and all that is made of its rows. `selection` says which
    /// letters of that stream are meant.
    pub fn open(
        pipeline: Pipeline,
        operator: &str,
        selection: &Selection,
        engine: &Engine,
    ) -> Result<Self, ReplayError> {
        let DeadLetterSpec::Files(files) = pipeline.dead_letters() else { return Err(ReplayError::NotKept) };
        let opened = OpenedPipeline::open(&pipeline, engine)?;
        let selection = Selection { origin: Some(operator.to_owned()), ..selection.clone() };
        let (interval, progress, mut sources) = (pipeline.interval, Progress::default(), Vec::new());
        let name = pipeline.name.clone();
        let mut part = part_from(pipeline, &opened, operator, |input| {
            let input_name = match input.role {
                Role::Only => None,
                Role::OneOfSeveral => Some(input.name.to_owned()),
                Role::Beside => return Box::new(LetterSource::empty(input.schema.clone())),
            };
            let selection = Selection { input: input_name, ..selection.clone() };
            let pick = Pick { directory: files.path.clone(), pipeline: name.clone(), selection };
            let source = LetterSource::new(input.schema.clone(), pick, &progress);
            sources.push(source.clone());
            Box::new(source)
        })?;
        part.interval = Interval::new(INTERVAL).unwrap_or(interval);
        part.checkpoint = None;
        part.dead_letters = Some(DeadLetterSpec::Files(files.clone()));
        let mut num_letters = 0;
        for found in Letters::open(&files.path, Some(&name))? {
            num_letters += u64::from(selection.includes(&found?));
        }
        Ok(Self { pipeline: Arc::new(part), interval, files, sources, progress, num_letters })
    }

    /// The pipeline that is to run.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// How many letters are meant. Those that say none of the inputs of an operator with several are among them, though
    /// they can't be replayed.
    pub fn num_letters(&self) -> u64 {
        self.num_letters
    }

    /// Reads all letters without running anything, and says how many would be rows.
    pub fn rehearse(&self) -> Result<Tally, ReplayError> {
        let mut all = Tally::default();
        for source in &self.sources {
            let tally = source.rehearse()?;
            all.num_rows += tally.num_rows;
            all.num_misfits += tally.num_misfits;
            all.misfits.extend(tally.misfits);
        }
        Ok(all)
    }

    /// Sets it going. Of one pipeline only one replay runs at a time.
    pub fn start(
        &self,
        engine: &Engine,
        clock: Arc<dyn Clock>,
        mut listeners: Vec<Box<dyn Listener>>,
    ) -> Result<RunningContext, StartError> {
        let replayed = Replayed::open(&self.files.path, &self.pipeline.name).map_err(RunError::from)?;
        listeners.push(Box::new(Marker { replayed, progress: self.progress.clone() }));
        let options =
            RunOptions { extent: Extent::Available, beside: Some(self.interval), ..RunOptions::default() };
        start(&self.pipeline, &options, engine, clock, listeners)
    }

    /// Waits until `running`, which `start` answered, has ended. Says what became of the letters.
    pub fn await_termination(&self, running: RunningContext) -> Result<(Summary, Tally), RunError> {
        let summary = running.await_termination()?;
        match self.progress.failure() {
            Some(error) => Err(error.into()),
            None => Ok((summary, self.progress.tally())),
        }
    }
}

/// Marks the letters of a batch when it has been published.
struct Marker {
    replayed: Replayed,
    progress: Progress,
}

impl Listener for Marker {
    fn batch_completed(&mut self, _: &BatchReport) {
        if let Err(error) = self.replayed.mark(&self.progress.take()) {
            self.progress.fail(error);
        }
    }
}
