//! What the driver and those who ask for swaps share: what runs, what is to run next, and what failed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;
use indexmap::IndexMap;

use super::{Fit, SwapError, Swapped};
use crate::checkpoint::{How, VersionChange};
use crate::plan::OpenedPipeline;
use crate::record::BatchTime;
use crate::schedule::Version;

/// What the driver and swaps share.
pub(in crate::context) struct Shared {
    /// Whoever prepares a swap has it, because a swap is prepared against what runs.
    pub(super) turn: Mutex<()>,
    table: Mutex<Table>,
}

/// What runs and what is known of it.
pub(super) struct Table {
    pub(super) running: Running,
    pub(super) plugins: IndexMap<String, InUse>,
    pub(super) quarantined: HashMap<String, Quarantined>,
    pub(super) history: Vec<VersionChange>,
    pub(super) next: Option<Next>,
    pub(super) has_ended: bool,
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

/// What is to run from the next batch on.
pub(super) struct Next {
    pub(super) running: Running,
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
}

impl Shared {
    /// For a pipeline that starts as `opened`, run as `version`.
    pub(in crate::context) fn new(opened: OpenedPipeline, version: Version) -> Self {
        let plugins = opened.plugins.iter();
        let in_use = |digest: &str| InUse { digest: digest.to_owned(), since: None, is_on_trial: false };
        let plugins = plugins.map(|(name, plugin)| (name.clone(), in_use(&plugin.id().digest))).collect();
        let running = Running { opened: Arc::new(opened), version: Arc::new(version) };
        let table = Table {
            running,
            plugins,
            quarantined: HashMap::new(),
            history: Vec::new(),
            next: None,
            has_ended: false,
        };
        Self { turn: Mutex::default(), table: Mutex::new(table) }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the versions that ran before.
    pub(in crate::context) fn set_history(&self, history: Vec<VersionChange>) {
        let mut table = self.table();
        for change in &history {
            if let Some(plugin) = table.plugins.get_mut(&change.plugin).filter(|p| p.digest == change.digest)
            {
                plugin.since = Some(change.batch_time());
            }
        }
        table.history = history;
    }

    /// What runs.
    pub(in crate::context) fn running(&self) -> Running {
        self.table().running.clone()
    }
}

impl Running {
    /// The pipeline.
    pub(in crate::context) fn opened(&self) -> &OpenedPipeline {
        &self.opened
    }

    /// What workers run.
    pub(in crate::context) const fn version(&self) -> &Arc<Version> {
        &self.version
    }
}
