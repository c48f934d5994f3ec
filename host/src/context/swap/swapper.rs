//! Asking for a swap, on the thread of whoever asks: all that takes time happens here.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};
use indexmap::IndexMap;

use super::fit::{compare, streams_of};
use super::read::{Candidate, find, read, read_again};
use super::shadow::{Shadow, terms};
use super::shared::{Beside, Change, InUse, Next, Quarantined, Running, Shared, names};
use super::{SwapError, Swapped, migrate, pass, reload};
use crate::checkpoint::{CodeFolder, How, VersionChange};
use crate::context::Workers;
use crate::failpoint::Point;
use crate::manifest::Pipeline;
use crate::plan::{OpenedPipeline, lay_out};
use crate::plugin::{Engine, Plugin, PluginSpec, WasmPlugin};
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
        self.swap_beside(plugins, how, None)
    }

    /// The same after the new versions ran beside those in use for `batches` batches with rows, whatever the plugins say.
    pub fn swap_beside(
        &self,
        plugins: &[(String, Code)],
        how: How,
        batches: Option<u32>,
    ) -> Result<Vec<Swapped>, SwapError> {
        let _turn = self.shared.take_turn();
        self.change(how, batches, || self.read(plugins))
    }

    /// Describes plugins by `specs` from now on, which names all that have files. Those of which this changes more than
    /// when they are swapped are swapped, at one batch or none. Answers these, and the keys of others that changed.
    pub fn reload(
        &self,
        specs: &IndexMap<String, PluginSpec>,
    ) -> Result<(Vec<Swapped>, Vec<String>), SwapError> {
        let _turn = self.shared.take_turn();
        let before = self.specs();
        let read = || {
            let known = self.shared.known();
            let read = specs.iter().filter_map(|(name, spec)| read_again(&known, name, spec).transpose());
            read.collect::<Result<Vec<_>, _>>()
        };
        let swapped = match read()?.is_empty() {
            true => Vec::new(),
            false => self.change(How::Reload, None, read)?,
        };
        let mut set = Vec::new();
        let mut table = self.shared.table();
        for (name, spec) in specs {
            let Some(before) = before.get(name) else { continue };
            let is_swapped = swapped.iter().any(|swapped| swapped.plugin == *name);
            set.extend(reload::settings(before, spec).map(|key| format!("plugins.{name}.{key}")));
            if !is_swapped {
                table.specs.insert(name.clone(), spec.clone());
            }
        }
        drop(table);
        // Whoever watches may have gone.
        let _ = self.shared.specs_changed.0.send(());
        Ok((swapped, set))
    }

    /// Lets what `read` answers run, as soon as it goes with what runs.
    fn change(
        &self,
        how: How,
        batches: Option<u32>,
        read: impl Fn() -> Result<Vec<Candidate>, SwapError>,
    ) -> Result<Vec<Swapped>, SwapError> {
        loop {
            match self.try_change(&read()?, how, batches) {
                // A version was rolled back meanwhile, so what was prepared doesn't go with what runs now.
                Err(SwapError::Overtaken) => {}
                done => return done,
            }
        }
    }

    fn try_change(
        &self,
        candidates: &[Candidate],
        how: How,
        batches: Option<u32>,
    ) -> Result<Vec<Swapped>, SwapError> {
        let (answer, answered) = bounded(1);
        self.put(candidates, how, batches, answer)?;
        answered.recv().unwrap_or(Err(SwapError::Ended))
    }

    /// Prepares `candidates`, and leaves them to the driver, who tells by `answer` what became of them.
    pub(super) fn put(
        &self,
        candidates: &[Candidate],
        how: How,
        batches: Option<u32>,
        answer: Sender<Result<Vec<Swapped>, SwapError>>,
    ) -> Result<(), SwapError> {
        pass(Point::SwapRead);
        let running = self.shared.running();
        let next = self.prepare(&running, candidates, how, batches, answer)?;
        for file in candidates.iter().filter_map(|candidate| candidate.file.as_ref()) {
            self.code.as_ref().map_or(Ok(()), |code| code.keep(file))?;
        }
        pass(Point::SwapKept);
        let mut table = self.shared.table();
        if table.has_ended {
            return Err(SwapError::Ended);
        }
        if let Some(shadow) = &next.shadow {
            let (plugin, batches) = (names(&next.changes), shadow.batches_left());
            tracing::info!(%plugin, batches, "runs beside the version in use, for so many batches with rows");
        }
        table.next = Some(next);
        Ok(())
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

    /// What came of the version of `plugin` that runs beside the one in use, or did so last.
    pub fn beside(&self, plugin: &str) -> Option<Beside> {
        self.shared.table().shadows.get(plugin).cloned()
    }

    /// How plugins are described that have files.
    pub(super) fn specs(&self) -> IndexMap<String, PluginSpec> {
        self.shared.table().specs.clone()
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
        find(&self.pipeline, name)
    }

    pub(super) fn read(&self, plugins: &[(String, Code)]) -> Result<Vec<Candidate>, SwapError> {
        if plugins.is_empty() {
            return Err(SwapError::Nothing);
        }
        let mut seen = HashSet::new();
        let mut candidates = Vec::with_capacity(plugins.len());
        let known = self.shared.known();
        for (name, code) in plugins {
            let candidate = read(&self.pipeline, &known, name, code)?;
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
        batches: Option<u32>,
        answer: Sender<Result<Vec<Swapped>, SwapError>>,
    ) -> Result<Next, SwapError> {
        let names: Vec<&str> = candidates.iter().map(|candidate| candidate.plugin.as_str()).collect();
        let unfit = |problem: String| SwapError::Unfit { plugin: names.join("`, `"), problem };
        let before = running.opened();
        let mut plugins: IndexMap<String, Arc<dyn Plugin>> = IndexMap::new();
        let mut changes = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            plugins.insert(candidate.plugin.clone(), self.load(before, candidate)?);
            changes.push(self.describe(before, candidate, how));
        }
        let opened =
            before.with_plugins(&self.pipeline, &plugins).map_err(|fault| unfit(fault.to_string()))?;
        let fit = compare(&self.pipeline, before, &opened).map_err(unfit)?;
        let plan = lay_out(&self.pipeline, &opened);
        let version = Version::after(running.version(), plan, self.workers.number())
            .map_err(|error| unfit(error.to_string()))?;
        let (calling, reached) = streams_of(&self.pipeline, &opened, &names);
        let migrations = opened.migrations();
        // Who goes back wants to do so at once.
        let batches = if how == How::Rollback { Some(0) } else { batches };
        let shadow = match terms(candidates.iter().map(|candidate| &candidate.spec), batches) {
            Some(_) if !migrations.is_empty() => {
                let problem = "it keeps other states, and would have no part in those that change while it runs beside; swap it with --shadow 0";
                return Err(unfit(problem.to_owned()));
            }
            Some(terms) => {
                let shadow =
                    Shadow::new(&self.pipeline, running, &opened, &calling, &terms, self.workers.number());
                Some(shadow.map_err(|error| unfit(error.to_string()))?)
            }
            None => None,
        };
        pass(Point::SwapOpened);
        migrate::prepare(&migrations, unfit)?;
        pass(Point::SwapMigrated);
        let before = running.clone();
        let running = Running { opened: Arc::new(opened), version: Arc::new(version) };
        let report = None;
        Ok(Next { running, before, migrations, shadow, report, changes, fit, calling, reached, answer })
    }

    fn load(
        &self,
        before: &OpenedPipeline,
        Candidate { plugin, spec, from, file }: &Candidate,
    ) -> Result<Arc<dyn Plugin>, SwapError> {
        if let Some(file) = file {
            let spec = PluginSpec { path: from.clone(), ..spec.clone() };
            return Ok(Arc::new(WasmPlugin::from_file(&self.engine, plugin, &spec, file, &before.metrics)?));
        }
        let running = before.plugins.get(plugin).map_or(Ok(None), |running| running.with_spec(spec))?;
        running.ok_or_else(|| SwapError::Native(plugin.clone()))
    }

    fn describe(&self, before: &OpenedPipeline, candidate: &Candidate, how: How) -> Change {
        let Candidate { plugin, spec, file, .. } = candidate;
        let from = before.plugins.get(plugin).map_or_else(String::new, |old| old.id().digest.clone());
        Change {
            plugin: plugin.clone(),
            to: file.as_ref().map_or_else(|| from.clone(), |file| file.digest.clone()),
            from,
            how,
            max_reject_rise: spec.max_reject_rise.map_or(MAX_REJECT_RISE, |share| share.0),
            spec_before: self.shared.table().specs.get(plugin).cloned().unwrap_or_else(|| spec.clone()),
            spec: spec.clone(),
        }
    }
}
