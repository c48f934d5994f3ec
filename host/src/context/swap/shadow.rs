//! The step that lets a new version run beside the one in use, on the same batches, and compares what they put out.
//!
//! A batch runs on the new version first, and is undone by the run on the one in use, whose rows it then is. So both
//! begin each batch with the states that the one in use left, and nothing that the new one does stays. It is refused
//! where it would keep states of its own.

mod compare;

use std::collections::HashSet;
use std::sync::Arc;

use super::shared::{Running, Table};
use crate::checkpoint::ShadowReport;
use crate::manifest::Pipeline;
use crate::operator::{Exchange, Shape};
use crate::plan::{OpenedPipeline, lay_out_with};
use crate::plugin::{OnDifference, PluginSpec};
use crate::record::{DeadLetter, DeadLetterKind};
use crate::schedule::{Executor, JobResult, TaskError, Version};

use self::compare::Side;

/// A version that is to run beside the one in use.
pub(super) struct Shadow {
    /// Both, with the streams to compare as further outputs.
    before: Arc<Version>,
    new: Arc<Version>,
    streams: Vec<Compared>,
    num_sinks: usize,
    batches: u32,
    pub(super) on_difference: OnDifference,
    pub(super) report: ShadowReport,
}

/// A stream whose rows are compared.
struct Compared {
    name: String,
    /// How many of its first columns are a key.
    num_key_columns: usize,
}

/// How two versions are to run beside each other.
pub(super) struct Terms {
    /// For so many batches with rows.
    pub(super) batches: u32,
    pub(super) on_difference: OnDifference,
}

impl Shadow {
    /// Of `new` beside `before`, whose plugins the streams `calling` call.
    pub(super) fn new(
        pipeline: &Pipeline,
        before: &Running,
        new: &OpenedPipeline,
        calling: &HashSet<String>,
        terms: &Terms,
        num_workers: usize,
    ) -> Result<Self, TaskError> {
        let names: Vec<String> = new.streams.keys().filter(|name| calling.contains(*name)).cloned().collect();
        let version = |opened: &OpenedPipeline| {
            let plan = lay_out_with(pipeline, opened, &names);
            Version::after(before.version(), plan, num_workers).map(Arc::new)
        };
        let compared = |name: &String| {
            let num_key_columns = new.streams.get(name).map_or(0, |stream| num_key_columns(&stream.shape));
            Compared { name: name.clone(), num_key_columns }
        };
        Ok(Self {
            before: version(before.opened())?,
            new: version(new)?,
            streams: names.iter().map(compared).collect(),
            num_sinks: pipeline.sinks.len(),
            batches: terms.batches,
            on_difference: terms.on_difference,
            report: ShadowReport::default(),
        })
    }

    /// Runs a batch on both. What comes out is what the version in use made of it.
    pub(super) fn run(
        &mut self,
        executor: &mut Executor,
        job: impl Fn(&mut Executor) -> Result<JobResult, TaskError>,
    ) -> Result<JobResult, TaskError> {
        executor.switch(&self.new);
        let new = job(executor);
        executor.switch(&self.before);
        let mut old = job(executor)?;
        let looked_at = old.outputs.split_off(self.num_sinks.min(old.outputs.len()));
        let given = |stream: &Compared| old.num_stream_rows.get(&stream.name).is_some_and(|rows| *rows > 0);
        if self.streams.iter().any(given) {
            self.report.batches += 1;
            match new {
                Ok(mut new) => {
                    let theirs = new.outputs.split_off(self.num_sinks.min(new.outputs.len()));
                    for ((stream, old), new) in self.streams.iter().zip(&looked_at).zip(&theirs) {
                        let sides = [old, new].map(|rows| Side::new(rows.as_deref().unwrap_or_default()));
                        compare::compare(&stream.name, stream.num_key_columns, sides, &mut self.report);
                    }
                    self.report.set_aside += self.set_aside(&old.dead).count() as u64;
                    self.report.new_set_aside += self.set_aside(&new.dead).count() as u64;
                    self.report.failure = self.failure(&old.dead, &new.dead);
                }
                Err(error) => self.report.failure = Some(error.to_string()),
            }
        } else if let Err(error) = new {
            self.report.failure = Some(error.to_string());
        }
        Ok(old)
    }

    /// How many batches with rows are left; none after a failure.
    pub(super) fn batches_left(&self) -> u32 {
        match self.report.failure {
            Some(_) => 0,
            None => self.batches.saturating_sub(self.report.batches),
        }
    }

    /// Why more rows fail in the new version than in the one in use, if they do. Rows that it refuses don't fail.
    fn failure(&self, old: &[DeadLetter], new: &[DeadLetter]) -> Option<String> {
        let failed = |letter: &&DeadLetter| letter.kind != DeadLetterKind::Reject;
        let num_old = self.set_aside(old).filter(failed).count();
        let num_new = self.set_aside(new).filter(failed).count();
        let first = self.set_aside(new).find(failed)?;
        (num_new > num_old).then(|| format!("{num_new} rows rather than {num_old}: {}", first.reason))
    }

    fn set_aside<'a>(&'a self, dead: &'a [DeadLetter]) -> impl Iterator<Item = &'a DeadLetter> {
        dead.iter().filter(|letter| self.streams.iter().any(|stream| stream.name == letter.origin))
    }
}

/// What is asked of a swap to `candidates` by how their plugins are described, unless somebody said how many `batches`.
pub(super) fn terms<'a>(
    specs: impl Iterator<Item = &'a PluginSpec> + Clone,
    batches: Option<u32>,
) -> Option<Terms> {
    let batches = batches.unwrap_or_else(|| specs.clone().map(|spec| spec.shadow).max().unwrap_or(0));
    let refuses = specs.into_iter().any(|spec| spec.on_difference == OnDifference::Refuse);
    let on_difference = if refuses { OnDifference::Refuse } else { OnDifference::Report };
    (batches > 0).then_some(Terms { batches, on_difference })
}

/// Notes for whoever looks how far `shadow` of the plugins with these digests is.
pub(super) fn note(table: &mut Table, plugins: impl Iterator<Item = (String, String)>, shadow: &Shadow) {
    for (plugin, digest) in plugins {
        let (batches_left, report) = (shadow.batches_left(), shadow.report.clone());
        table.shadows.insert(plugin, super::Beside { digest, batches_left, report });
    }
}

/// How many of the first columns that come out are a key: those by which rows were exchanged.
fn num_key_columns(shape: &Shape) -> usize {
    match shape {
        Shape::Narrow(_) => 0,
        Shape::Wide(wide) => match &wide.exchange {
            Exchange::ByKey(key) => key.len(),
            Exchange::ByKeyGroup(keys) => keys.first().map_or(0, Vec::len),
            Exchange::Gather | Exchange::GatherApart | Exchange::Concatenate | Exchange::Recut(_) => 0,
        },
    }
}
