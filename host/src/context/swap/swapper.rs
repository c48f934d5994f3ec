//! Asking for a swap, on the thread of whoever asks: all that takes time happens here.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use crossbeam_channel::bounded;
use indexmap::IndexMap;

use super::fit::{compare, streams_of};
use super::read::{Candidate, find, read};
use super::shared::{Change, InUse, Next, Quarantined, Running, Shared};
use super::{SwapError, Swapped};
use crate::checkpoint::{CodeFolder, How, VersionChange};
use crate::context::Workers;
use crate::manifest::Pipeline;
use crate::plan::lay_out;
use crate::plugin::{Engine, Plugin, WasmPlugin};
use crate::schedule::Version;

pub use super::read::Code;

/// How much larger a share of rows a new version may refuse, where the manifest doesn't say.
const MAX_REJECT_RISE: f64 = 0.1;

/// A handle to swap plugins of a pipeline that runs. Cheap to clone.
#[derive(Clone)]
pub struct Swapper {
    pub(in crate::context) pipeline: Arc<Pipeline>,
    pub(in crate::context) engine: Engine,
    pub(in crate::context) shared: Arc<Shared>,
    pub(in crate::context) workers: Workers,
    /// Where the files of versions that ran are kept.
    pub(in crate::context) code: Option<CodeFolder>,
}

impl Swapper {
    /// Lets the plugin `plugin`, or that of the stream `plugin`, run the code in `file`. Answers when it is in use,
    /// which is with the next batch, or why not.
    pub fn swap(&self, plugin: &str, file: impl Into<PathBuf>) -> Result<Swapped, SwapError> {
        let swapped = self.swap_all(&[(plugin.to_owned(), Code::File(file.into()))], How::Swap)?;
        swapped.into_iter().next().ok_or(SwapError::Ended)
    }

    /// Swaps several plugins at one batch, all of them or none.
    pub fn swap_all(&self, plugins: &[(String, Code)], how: How) -> Result<Vec<Swapped>, SwapError> {
        let _turn = self.shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = self.read(plugins)?;
        let running = self.shared.running();
        let (answer, answered) = bounded(1);
        let next = self.prepare(&running, &candidates, how, answer)?;
        for candidate in &candidates {
            self.code.as_ref().map_or(Ok(()), |code| code.keep(&candidate.file))?;
        }
        {
            let mut table = self.shared.table();
            if table.has_ended {
                return Err(SwapError::Ended);
            }
            table.next = Some(next);
        }
        answered.recv().unwrap_or(Err(SwapError::Ended))
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The versions in use, by plugin.
    pub fn in_use(&self) -> IndexMap<String, InUse> {
        self.shared.table().plugins.clone()
    }

    /// The version of `plugin` that was rolled back last, where another one didn't take its place since.
    pub fn quarantined(&self, plugin: &str) -> Option<Quarantined> {
        self.shared.table().quarantined.get(plugin).cloned()
    }

    /// Which versions came into use, oldest first.
    pub fn history(&self) -> Vec<VersionChange> {
        self.shared.table().history.clone()
    }

    /// Whether the pipeline runs no more.
    pub(super) fn has_ended(&self) -> bool {
        self.shared.table().has_ended
    }

    /// The name of the plugin `name`, or of that of the stream `name`.
    pub(super) fn plugin_of(&self, name: &str) -> Result<&str, SwapError> {
        find(&self.pipeline, name).map(|(plugin, _)| plugin)
    }

    fn read(&self, plugins: &[(String, Code)]) -> Result<Vec<Candidate>, SwapError> {
        let mut seen = HashSet::new();
        let mut candidates = Vec::with_capacity(plugins.len());
        for (name, code) in plugins {
            let candidate = read(&self.pipeline, &self.shared.table(), name, code)?;
            if !seen.insert(candidate.plugin.clone()) {
                return Err(SwapError::Twice(candidate.plugin));
            }
            candidates.push(candidate);
        }
        Ok(candidates)
    }

    fn prepare(
        &self,
        running: &Running,
        candidates: &[Candidate],
        how: How,
        answer: crossbeam_channel::Sender<Result<Vec<Swapped>, SwapError>>,
    ) -> Result<Next, SwapError> {
        let names: Vec<&str> = candidates.iter().map(|candidate| candidate.plugin.as_str()).collect();
        let unfit = |problem: String| SwapError::Unfit { plugin: names.join("`, `"), problem };
        let before = running.opened();
        let mut plugins: IndexMap<String, Arc<dyn Plugin>> = IndexMap::new();
        let mut changes = Vec::with_capacity(candidates.len());
        for Candidate { plugin: name, spec, file } in candidates {
            let plugin = WasmPlugin::from_file(&self.engine, name, spec, file, &before.metrics)?;
            plugins.insert(name.clone(), Arc::new(plugin));
            changes.push(Change {
                plugin: name.clone(),
                from: before.plugins.get(name).map_or_else(String::new, |old| old.id().digest.clone()),
                to: file.digest.clone(),
                how,
                max_reject_rise: spec.max_reject_rise.map_or(MAX_REJECT_RISE, |share| share.0),
            });
        }
        let opened =
            before.with_plugins(&self.pipeline, &plugins).map_err(|fault| unfit(fault.to_string()))?;
        let fit = compare(&self.pipeline, before, &opened).map_err(unfit)?;
        let plan = lay_out(&self.pipeline, &opened);
        let version = Version::after(running.version(), plan, self.workers.number())
            .map_err(|error| unfit(error.to_string()))?;
        let (calling, reached) = streams_of(&self.pipeline, &opened, &names);
        let running = Running { opened: Arc::new(opened), version: Arc::new(version) };
        Ok(Next { running, changes, fit, calling, reached, answer })
    }
}
