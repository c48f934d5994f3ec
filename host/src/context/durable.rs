//! The checkpoint of a run: what is taken up at the start, what streams keep as it is saved after a batch, and the commit.

use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::checkpoint::{Checkpoint, CheckpointError, Commit, Contents, Difference, Epoch, SourcePosition};
use crate::checkpoint::{Logged, SourceLog, StreamContents, Undelivered, VersionChange};
use crate::failpoint::{Point, reach};
use crate::manifest::Pipeline;
use crate::operator::Keeping;
use crate::plan::OpenedPipeline;
use crate::record::{BatchTime, Interval};
use crate::state::Changes;

/// The checkpoint of a pipeline that runs.
pub(super) struct Durable {
    checkpoint: Checkpoint,
    /// Where the run before this one ended.
    resumed: Option<Epoch>,
    /// Whether that one counted batches by the same interval.
    counts_on: bool,
    /// Whether what some stream keeps depends on the number of batches.
    needs_every_batch: bool,
}

/// What streams keep, of which after each batch is saved what changed.
#[derive(Default)]
pub(super) struct Keepings {
    keeping: Vec<(String, Keeping)>,
    /// The streams that keep other things than those that were saved last, with what these are.
    replaced: Vec<(String, String)>,
    /// How much was saved of the last batch.
    num_bytes: usize,
}

/// So much is worth waking threads for.
const MANY_BYTES: usize = 1 << 18;

/// What is to be saved of a batch, as it was when it had run.
#[derive(Default)]
pub(super) struct Saved {
    /// What changed of what streams keep, as (stream, partition, changes).
    state: Vec<(String, usize, Changes)>,
    /// Streams that keep something else from this batch on, with what that is.
    replaced: Vec<(String, String)>,
}

impl Durable {
    /// Takes up `checkpoint` for `pipeline`, which starts at `start`, and loads into `opened` what streams kept.
    pub(super) fn open(
        checkpoint: Checkpoint,
        pipeline: &Pipeline,
        opened: &OpenedPipeline,
        dropped: &[String],
        start: BatchTime,
    ) -> Result<(Self, Keepings), CheckpointError> {
        let mut checkpoint = checkpoint;
        let keeping: Vec<(String, Keeping)> = keeping(opened).collect();
        let contents = contents(pipeline, opened, &keeping);
        let mut counts_on = true;
        for name in dropped
            .iter()
            .filter(|name| !pipeline.streams.contains_key(*name) && !pipeline.sources.contains_key(*name))
        {
            tracing::info!(%name, "--drop-state names nothing of this pipeline");
        }
        for difference in checkpoint.adopt(&contents, dropped, start)? {
            match difference {
                Difference::Told(text) => tracing::info!("since the checkpoint: {text}"),
                Difference::Dropped(name) => tracing::warn!("what `{name}` kept is left behind"),
                Difference::Interval => counts_on = false,
                // These don't get here.
                Difference::Refused { .. } => {}
            }
        }
        checkpoint.load(keeping.iter().map(|(name, keeping)| (name.as_str(), keeping)))?;
        let resumed = checkpoint.last().cloned();
        if let Some(epoch) = &resumed {
            tracing::info!(epoch = epoch.number, batch = %epoch.batch_time(), "going on from the checkpoint");
        }
        let needs_every_batch = keeping.iter().any(|(_, keeping)| keeping.needs_every_batch);
        let durable = Self { checkpoint, resumed, counts_on, needs_every_batch };
        Ok((durable, Keepings { keeping, ..Keepings::default() }))
    }

    /// The id of the checkpoint.
    pub(super) fn id(&self) -> &str {
        self.checkpoint.id()
    }

    /// Which versions of plugins came into use, oldest first.
    pub(super) fn history(&self) -> Result<Vec<VersionChange>, CheckpointError> {
        self.checkpoint.history()
    }

    /// The log of the source `name`, and what of it no batch has taken.
    pub(super) fn log(&self, name: &str) -> Result<(SourceLog, Vec<Logged>), CheckpointError> {
        self.checkpoint.log(name)
    }

    /// How far the source `name` was read.
    pub(super) fn position(&self, name: &str) -> Option<&SourcePosition> {
        self.resumed.as_ref()?.sources.get(name)
    }

    /// The last batch that was committed before this run.
    pub(super) fn last_time(&self) -> Option<BatchTime> {
        self.resumed.as_ref().map(Epoch::batch_time)
    }

    /// The time before the first batch, where batches are counted on from the run before.
    pub(super) fn zero(&self) -> Option<BatchTime> {
        self.resumed.as_ref().filter(|_| self.counts_on).map(|epoch| BatchTime::from_millis(epoch.zero))
    }

    /// The first batch of this run, which begins at `start`: the one after the last, or where no stream has to have
    /// them all, the next that is due.
    pub(super) fn first_time(&self, interval: Interval, start: i64) -> BatchTime {
        let due = interval.next_after(start);
        let Some(last) = self.last_time() else { return due };
        let after = interval.next_after(last.millis());
        if self.counts_on && self.needs_every_batch { after } else { after.max(due) }
    }

    /// Rows of committed batches that sinks may not have seen, oldest first.
    pub(super) fn undelivered(&self) -> Result<Vec<Undelivered>, CheckpointError> {
        self.checkpoint.undelivered()
    }

    /// The sink `sink` has the rows of the batch of time `time`.
    pub(super) fn delivered(&mut self, time: BatchTime, sink: &str) {
        self.checkpoint.delivered(time, sink);
    }

    /// Ends in order.
    pub(super) fn close(&mut self) -> Result<(), CheckpointError> {
        self.checkpoint.close()
    }

    /// Dead letters of committed batches that may not be in their files, oldest first.
    pub(super) fn unwritten_letters(&self) -> Result<Vec<(BatchTime, Vec<u8>)>, CheckpointError> {
        self.checkpoint.unwritten_letters()
    }

    /// The dead letters of the batch of time `time` are in their files.
    pub(super) fn letters_written(&mut self, time: BatchTime) {
        self.checkpoint.letters_written(time);
    }

    /// Makes a batch final, where there is anything in it, with what is `saved` of streams. Whether sinks see anything of it
    /// is in `is_seen`.
    pub(super) fn commit(
        &mut self,
        batch: Commit<'_>,
        saved: Saved,
        is_seen: bool,
    ) -> Result<(), CheckpointError> {
        let Saved { state, replaced } = saved;
        let is_idle = state.is_empty()
            && batch.versions.is_empty()
            && !is_seen
            && batch.letters.is_empty()
            && self.checkpoint.last().is_some_and(|last| last.sources == batch.epoch.sources);
        if is_idle {
            return Ok(());
        }
        let replaced = replaced.iter().map(|(name, what)| (name.as_str(), what.as_str())).collect();
        self.checkpoint.commit(Commit { state, replaced, ..batch })
    }
}

impl Keepings {
    /// Saves what the streams of `opened` keep from now on. All of it is saved anew where that isn't what was saved before.
    pub(super) fn follow(&mut self, opened: &OpenedPipeline) {
        let before = std::mem::replace(&mut self.keeping, keeping(opened).collect());
        for ((name, now), (_, before)) in self.keeping.iter().zip(&before) {
            if !Arc::ptr_eq(&now.state, &before.state) {
                now.state.save_anew();
                self.replaced.push((name.clone(), now.what.clone()));
            }
        }
    }

    /// What the batch of time `time` changed, which has run, before another one runs. Much of it is made ready on all cores.
    pub(super) fn save(&mut self, time: BatchTime) -> Result<Saved, CheckpointError> {
        let changes = |(name, keeping, partition): (&str, &Keeping, usize)| {
            reach(Point::Snapshot).map_err(|error| CheckpointError::Rows(error.into()))?;
            let changes = keeping.state.changes(partition, time).map_err(CheckpointError::Rows)?;
            Ok((name.to_owned(), partition, changes))
        };
        let partitions = self.keeping.iter().flat_map(|(name, keeping)| {
            (0..keeping.state.num_partitions()).map(move |partition| (name.as_str(), keeping, partition))
        });
        let all: Result<Vec<_>, CheckpointError> = if self.num_bytes < MANY_BYTES {
            partitions.map(changes).collect()
        } else {
            partitions.collect::<Vec<_>>().into_par_iter().map(changes).collect()
        };
        let mut state = all?;
        state.retain(|(_, _, changes)| !changes.is_empty());
        self.num_bytes = state.iter().map(|(_, _, changes)| changes.num_bytes()).sum();
        Ok(Saved { state, replaced: std::mem::take(&mut self.replaced) })
    }
}

fn keeping(opened: &OpenedPipeline) -> impl Iterator<Item = (String, Keeping)> {
    opened.streams.iter().filter_map(|(name, stream)| Some((name.clone(), stream.keeping()?.clone())))
}

fn contents(pipeline: &Pipeline, opened: &OpenedPipeline, keeping: &[(String, Keeping)]) -> Contents {
    let sources = pipeline.sources.iter().filter(|(name, _)| opened.schemas.contains_key(*name));
    let stream = |keeping: &Keeping| StreamContents {
        keeps: keeping.what.clone(),
        partitions: keeping.state.num_partitions(),
    };
    Contents {
        pipeline: pipeline.name.clone(),
        interval: pipeline.interval.millis(),
        sources: sources.map(|(name, source)| (name.clone(), source.kind().to_owned())).collect(),
        streams: keeping.iter().map(|(name, keeping)| (name.clone(), stream(keeping))).collect(),
        plugins: opened.plugins.iter().map(|(name, p)| (name.clone(), p.id().digest.clone())).collect(),
    }
}
