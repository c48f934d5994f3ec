//! Other code for plugins of a pipeline that runs, at the border between two batches.
//!
//! A *swap* takes files and makes of them what runs after the batch under way: read (`read`), loaded and opened on the
//! thread of whoever asks, compared with what runs (`fit`), with states carried over where it keeps others (`migrate`), handed
//! to the driver (`shared`), which may let it run beside first (`shadow`) and lets all workers switch before the next
//! batch (`switch`). Until it has seen rows the new version is on trial (`trial`): where it does
//! worse than the one before, the batch runs again on that one. What streams keep stays where it is. No batch ever waits
//! for a compiler.

mod fit;
mod migrate;
mod read;
mod reload;
mod rollback;
mod shadow;
mod shared;
mod start;
mod swapper;
mod switch;
mod trial;
mod watch;

use crate::checkpoint::{CheckpointError, ShadowReport};
use crate::failpoint::{Point, reach};
use crate::plugin::PluginError;
use crate::record::BatchTime;

pub use reload::{ReloadError, Reloaded, Reloader};
pub use shared::{Beside, InUse, Quarantined};
pub use swapper::{Code, Swapper};

pub(super) use shared::Shared;
pub(super) use start::open;
pub(super) use switch::Switch;
pub(super) use watch::Watch;

/// A plugin that was swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// Its name in the manifest.
    pub plugin: String,
    /// The digest of the code before.
    pub from: String,
    /// The digest of the code now.
    pub to: String,
    /// The first batch that it is in use for.
    pub batch: BatchTime,
    /// What became of columns.
    pub fit: Fit,
    /// What came of it beside the version before, where it ran beside that first.
    pub shadow: Option<ShadowReport>,
}

/// How the columns of a swapped version fit the streams that read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They are the same as before.
    Same,
    /// Some are other ones, and these streams, which read them, accept that.
    Accepted(Vec<String>),
}

/// Passes a point of a swap, at which a test may kill the program. There is nothing here that may fail in another way.
fn pass(point: Point) {
    let _ = reach(point);
}

/// The samples of `report`, to be put behind a sentence.
fn samples(report: &ShadowReport) -> String {
    report.samples.iter().map(|sample| format!("; {sample}")).collect()
}

/// Why a plugin wasn't swapped. What ran before goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwapError {
    /// There is no such plugin.
    #[error("no plugin or stream with a plugin is named `{name}`; the plugins are {}", known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The plugins.
        known: Vec<String>,
    },
    /// No plugin is given.
    #[error("no plugin is given; name one, with its file")]
    Nothing,
    /// Two files for one plugin.
    #[error("plugin `{0}` is given twice; name one file for it")]
    Twice(String),
    /// It is code of the program.
    #[error("plugin `{0}` is part of the program and has no file; only plugins of Wasm are swapped")]
    Native(String),
    /// It is the code that runs.
    #[error("plugin `{plugin}` runs this very code already ({digest})")]
    Unchanged {
        /// The plugin.
        plugin: String,
        /// The digest of its code.
        digest: String,
    },
    /// It failed before.
    #[error("plugin `{plugin}`: this code ({digest}) was rolled back: {reason}; change it")]
    Quarantined {
        /// The plugin.
        plugin: String,
        /// The digest of the code.
        digest: String,
        /// Why it was rolled back.
        reason: String,
    },
    /// It can't be loaded.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// It can't take the place of what runs.
    #[error("plugin `{plugin}` can't take the place of what runs: {problem}")]
    Unfit {
        /// The plugins.
        plugin: String,
        /// Why not, and what to do.
        problem: String,
    },
    /// There is no version to go back to.
    #[error("plugin `{plugin}`: {problem}")]
    NoVersion {
        /// The plugin.
        plugin: String,
        /// Why not, and what to do.
        problem: String,
    },
    /// Its file can't be kept in the checkpoint, where a restart looks for it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// It failed on its first rows.
    #[error(
        "plugin `{plugin}` was rolled back at batch {batch}, which ran again on the version before: {reason}"
    )]
    RolledBack {
        /// The plugins.
        plugin: String,
        /// The batch.
        batch: BatchTime,
        /// What it did worse.
        reason: String,
    },
    /// It did something else than the one in use, beside which it ran.
    #[error("plugin `{plugin}` isn't taken, because it does something else: {report}{}", samples(report))]
    Different {
        /// The plugins.
        plugin: String,
        /// What came of it.
        report: Box<ShadowReport>,
    },
    /// Another swap was asked for while it ran beside the one in use.
    #[error(
        "another change was asked for while the new version of plugin `{0}` ran beside the one in use; ask again"
    )]
    Superseded(String),
    /// A version went out of use that it was prepared to run beside.
    #[error("what runs changed meanwhile; try again")]
    Overtaken,
    /// The pipeline ended before.
    #[error("the pipeline ended before the swap")]
    Ended,
}
