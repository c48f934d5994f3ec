//! What the driver and those who ask for swaps share: what runs, what is to run next, and what failed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, unbounded};
use indexmap::IndexMap;

use super::shadow::Shadow;
use super::{Fit, SwapError, Swapped};
use crate::checkpoint::{How, ShadowReport, VersionChange};
use crate::manifest::{Pipeline, PluginSource};
use crate::operator::Migration;
use crate::plan::OpenedPipeline;
use crate::plugin::PluginSpec;
use crate::record::BatchTime;
use crate::schedule::Version;

/// What the driver and swaps share.
pub(in crate::context) struct Shared {
    /// Whoever prepares a swap has it, because a swap is prepared against what runs.
    turn: Mutex<()>,
    /// How many wait for that.
    num_waiting: AtomicUsize,
    /// Tells who watches files that others are to be watched.
    pub(super) specs_changed: (Sender<()>, Receiver<()>),
    table: Mutex<Table>,
}

/// What runs and what is known of it.
pub(super) struct Table {
    pub(super) running: Running,
    pub(super) plugins: IndexMap<String, InUse>,
    /// How plugins are described that have files: as at the start, or as read again since.
    pub(super) specs: IndexMap<String, PluginSpec>,
    /// What came of versions beside those in use, by the plugin.
    pub(super) shadows: IndexMap<String, Beside>,
    pub(super) quarantined: HashMap<String, Quarantined>,
    pub(super) history: Vec<VersionChange>,
    pub(super) next: Option<Next>,
    pub(super) has_ended: bool,
}

/// What code is compared with before it is taken.
pub(super) struct Known {
    pub(super) plugins: IndexMap<String, InUse>,
    pub(super) specs: IndexMap<String, PluginSpec>,
    pub(super) quarantined: HashMap<String, Quarantined>,
}

/// A pipeline as workers run it.
#[derive(Clone)]
pub(in crate::context) struct Running {
    pub(super) opened: Arc<OpenedPipeline>,
    pub(super) version: Arc<Version>,
}

/// A version of a plugin that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The SHA-256 of its file; of native code its name.
    pub digest: String,
    /// The first batch that it was in use for; none where that was before this run.
    pub since: Option<BatchTime>,
    /// Whether it has yet to see rows, so that it may be rolled back.
    pub is_on_trial: bool,
}

/// A version of a plugin that was rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The SHA-256 of its file.
    pub digest: String,
    /// Why it was rolled back.
    pub reason: String,
}

/// A version that runs beside the one in use, or did so last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The SHA-256 of its file.
    pub digest: String,
    /// How many batches with rows are left for it.
    pub batches_left: u32,
    /// What came of it so far.
    pub report: ShadowReport,
}

/// What is to run from the next batch on.
pub(super) struct Next {
    pub(super) running: Running,
    /// What it was prepared against.
    pub(super) before: Running,
    /// The states that are carried over.
    pub(super) migrations: Vec<Arc<Migration>>,
    /// How it runs beside that first.
    pub(super) shadow: Option<Shadow>,
    /// What came of that.
    pub(super) report: Option<ShadowReport>,
    pub(super) changes: Vec<Change>,
    pub(super) fit: Fit,
    /// The streams whose plugins change.
    pub(super) calling: HashSet<String>,
    /// Those, and all that their rows reach.
    pub(super) reached: HashSet<String>,
    pub(super) answer: Sender<Result<Vec<Swapped>, SwapError>>,
}

/// Other code for a plugin.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) plugin: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) how: How,
    pub(super) max_reject_rise: f64,
    /// How the plugin is described then, and how before.
    pub(super) spec: PluginSpec,
    pub(super) spec_before: PluginSpec,
}

impl Change {
    /// Whether the code is another one.
    pub(super) fn is_of_code(&self) -> bool {
        self.from != self.to
    }
}

/// The plugins that change, to be put between two backticks.
pub(super) fn names(changes: &[Change]) -> String {
    let names: Vec<&str> = changes.iter().map(|change| change.plugin.as_str()).collect();
    names.join("`, `")
}

impl Shared {
    /// For `pipeline`, which starts as `opened`, run as `version`.
    pub(in crate::context) fn new(pipeline: &Pipeline, opened: OpenedPipeline, version: Version) -> Self {
        let plugins = opened.plugins.iter();
        let in_use = |digest: &str| InUse { digest: digest.to_owned(), since: None, is_on_trial: false };
        let plugins = plugins.map(|(name, plugin)| (name.clone(), in_use(&plugin.id().digest))).collect();
        let specs = pipeline.plugins.iter().filter_map(|(name, source)| match source {
            PluginSource::File(spec) => Some((name.clone(), spec.clone())),
            PluginSource::Native(_) => None,
        });
        let running = Running { opened: Arc::new(opened), version: Arc::new(version) };
        let table = Table {
            running,
            plugins,
            specs: specs.collect(),
            shadows: IndexMap::new(),
            quarantined: HashMap::new(),
            history: Vec::new(),
            next: None,
            has_ended: false,
        };
        Self {
            turn: Mutex::default(),
            num_waiting: AtomicUsize::new(0),
            specs_changed: unbounded(),
            table: Mutex::new(table),
        }
    }

    /// Waits for the turn to prepare a swap. A version that runs beside another one makes way for whoever waits.
    pub(super) fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.num_waiting.fetch_add(1, Ordering::SeqCst);
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.num_waiting.fetch_sub(1, Ordering::SeqCst);
        turn
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the versions that ran before.
    pub(in crate::context) fn set_history(&self, history: Vec<VersionChange>) {
        let mut table = self.table();
        for change in &history {
            // What failed last is refused until another version took its place, as within a run.
            let failed =
                change.from.as_ref().filter(|from| change.how == How::Failed && **from != change.digest);
            match (failed, &change.reason) {
                (Some(digest), Some(reason)) => {
                    let bad = Quarantined { digest: digest.clone(), reason: reason.clone() };
                    table.quarantined.insert(change.plugin.clone(), bad);
                }
                _ => drop(table.quarantined.remove(&change.plugin)),
            }
            if let Some(plugin) = table.plugins.get_mut(&change.plugin).filter(|p| p.digest == change.digest)
            {
                plugin.since = Some(change.batch_time());
            }
        }
        table.history = history;
    }

    /// What is known of plugins, so that nobody waits for the table while files are read.
    pub(super) fn known(&self) -> Known {
        let table = self.table();
        let (plugins, specs) = (table.plugins.clone(), table.specs.clone());
        Known { plugins, specs, quarantined: table.quarantined.clone() }
    }

    /// Whether somebody waits to prepare a swap.
    pub(super) fn is_waited_for(&self) -> bool {
        self.num_waiting.load(Ordering::SeqCst) > 0
    }

    /// What runs.
    pub(in crate::context) fn running(&self) -> Running {
        self.table().running.clone()
    }
}

impl Running {
    /// Whether `other` is the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.opened, &other.opened)
    }

    /// The pipeline.
    pub(in crate::context) fn opened(&self) -> &OpenedPipeline {
        &self.opened
    }

    /// What workers run.
    pub(in crate::context) const fn version(&self) -> &Arc<Version> {
        &self.version
    }
}
