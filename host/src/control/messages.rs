//! What server and client say to each other, as JSON.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::checkpoint::{ShadowReport, VersionChange};
use crate::context::WorkersChange;
use crate::context::swap::{Beside, Fit, Reloaded, Swapped};

/// A pipeline that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Its name.
    pub pipeline: String,
    /// The time from one batch to the next, in milliseconds.
    pub batch_interval_ms: i64,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// Batches processed.
    pub batches: u64,
    /// Rows that came in.
    pub rows_in: u64,
    /// Rows set aside.
    pub dead_letters: u64,
    /// Threads that work on a batch.
    pub workers: usize,
    /// The last batch; none before the first.
    pub last: Option<StatusOfBatch>,
    /// The plugins by their names.
    #[schema(value_type = std::collections::BTreeMap<String, PluginStatus>)]
    pub plugins: IndexMap<String, PluginStatus>,
}

/// A batch that was processed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatusOfBatch {
    /// Its time.
    pub time: String,
    /// How long after its time it began, in milliseconds.
    pub delay_ms: f64,
    /// How long it took, in milliseconds.
    pub processing_ms: f64,
}

/// A plugin of a pipeline that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginStatus {
    /// The streams that call it.
    pub streams: Vec<String>,
    /// The SHA-256 of its code.
    pub digest: String,
    /// The first batch of this version; none where it isn't known.
    pub since: Option<String>,
    /// Whether it has yet to see rows, so that it may be rolled back.
    pub is_on_trial: bool,
    /// The version that was rolled back last.
    pub quarantined: Option<VersionStatus>,
    /// The version that runs beside it, or did so last.
    pub beside: Option<BesideStatus>,
}

/// A version that runs beside the one in use, or did so last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BesideStatus {
    /// The SHA-256 of its code.
    pub digest: String,
    /// How many batches with rows are left for it.
    pub batches_left: u32,
    /// What came of it so far.
    pub report: ShadowReport,
}

impl From<Beside> for BesideStatus {
    fn from(Beside { digest, batches_left, report }: Beside) -> Self {
        Self { digest, batches_left, report }
    }
}

/// A version that was rolled back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionStatus {
    /// The SHA-256 of its code.
    pub digest: String,
    /// Why.
    pub reason: String,
}

/// Plugins to swap, all at one batch or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// Files on the machine of the pipeline, by the plugin or a stream that calls it.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub plugins: IndexMap<String, std::path::PathBuf>,
    /// How many batches with rows they run beside those in use before that; as the plugins say, where this doesn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<u32>,
}

/// A version to go back to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// The plugin, or a stream that calls it.
    pub plugin: String,
    /// What its digest begins with; none for the version before the present one.
    #[serde(default)]
    pub digest: Option<String>,
}

/// A plugin that was swapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SwapDone {
    /// Which.
    pub plugin: String,
    /// The SHA-256 of the code before.
    pub from: String,
    /// That of the code now.
    pub to: String,
    /// The first batch that it is in use for.
    pub batch: String,
    /// The streams that read other columns than before, and accept them.
    pub accepted_by: Vec<String>,
    /// What came of it beside the code before, where it ran beside that first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowReport>,
}

impl From<Swapped> for SwapDone {
    fn from(swapped: Swapped) -> Self {
        let accepted_by = match swapped.fit {
            Fit::Same => Vec::new(),
            Fit::Accepted(streams) => streams,
        };
        let Swapped { plugin, from, to, batch, shadow, .. } = swapped;
        Self { plugin, from, to, batch: batch.to_string(), accepted_by, shadow }
    }
}

/// What reading the manifest again changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadDone {
    /// Plugins with another config, other limits, another file.
    pub swapped: Vec<SwapDone>,
    /// Keys that count from now on: where files are, when and how plugins are swapped.
    pub set: Vec<String>,
}

impl From<Reloaded> for ReloadDone {
    fn from(Reloaded { swapped, set }: Reloaded) -> Self {
        Self { swapped: swapped.into_iter().map(Into::into).collect(), set }
    }
}

/// How many workers there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetWorkers {
    /// So many.
    pub workers: usize,
}

/// The number of workers changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkersDone {
    /// How many there were.
    pub from: usize,
    /// How many there are.
    pub to: usize,
    /// The first batch that these run.
    pub batch: String,
}

impl From<WorkersChange> for WorkersDone {
    fn from(WorkersChange { from, to, batch }: WorkersChange) -> Self {
        Self { from, to, batch: batch.to_string() }
    }
}

/// What was done, or why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Plugins were swapped.
    Swapped(Vec<SwapDone>),
    /// The manifest was read again.
    Reloaded(ReloadDone),
    /// The number of workers changed.
    Workers(WorkersDone),
    /// The versions that came into use, oldest first.
    History(Vec<VersionChange>),
    /// It was asked to stop.
    Stopping,
    /// It wasn't done.
    Error(String),
}
