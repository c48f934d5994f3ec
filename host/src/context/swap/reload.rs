//! Reading the manifest again while its pipeline runs: what can change goes the way of a swap, what can't is refused.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::swapper::Swapper;
use super::{SwapError, Swapped};
use crate::manifest::{Manifest, ManifestError, Outline, PluginSource};
use crate::plugin::PluginSpec;

/// Reads a manifest again. Cheap to clone.
#[derive(Clone)]
pub struct Reloader {
    path: PathBuf,
    /// What it said at the start. Only what can't change is looked at in it.
    outline: Outline,
    swapper: Swapper,
}

/// What became of a manifest that was read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Plugins with another config, other limits, another file.
    pub swapped: Vec<Swapped>,
    /// Keys that count from now on: where files are, when and how plugins are swapped.
    pub set: Vec<String>,
}

/// Why what a manifest says now wasn't taken. What ran before goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// It can't be read, or is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is none to read.
    #[error("this pipeline was made by a program and has no manifest")]
    NoManifest,
    /// It says something else of what stays as it is while a pipeline runs.
    #[error("only plugins can change while the pipeline runs, and the manifest has other changes: {}; undo these, or stop the pipeline and start it again", .0.join(", "))]
    Fixed(Vec<String>),
    /// A plugin can't be swapped.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

impl Reloader {
    /// For the pipeline of `swapper`, whose manifest in the file `path` said `outline` at the start.
    pub fn new(path: impl Into<PathBuf>, outline: Outline, swapper: Swapper) -> Self {
        Self { path: path.into(), outline, swapper }
    }

    /// Reads the manifest again, and lets the pipeline run as it says: all of it or nothing. Answers once that is so.
    pub fn reload(&self) -> Result<Reloaded, ReloadError> {
        let Manifest { pipeline, outline, .. } = Manifest::read(&self.path)?;
        let differences = self.outline.fixed_differences(&outline);
        if !differences.is_empty() {
            return Err(ReloadError::Fixed(differences));
        }
        let specs = pipeline.plugins.into_iter().filter_map(|(name, source)| match source {
            PluginSource::File(spec) => Some((name, spec)),
            PluginSource::Native(_) => None,
        });
        let (swapped, set) = self.swapper.reload(&specs.collect::<IndexMap<_, _>>())?;
        Ok(Reloaded { swapped, set })
    }
}

/// The keys in which `now` says something else than `before` of where the file is, when and how it is swapped.
pub(super) fn settings(before: &PluginSpec, now: &PluginSpec) -> impl Iterator<Item = &'static str> {
    let keys = [
        ("path", before.path != now.path),
        ("sha256", before.sha256 != now.sha256),
        ("watch", before.watch != now.watch),
        ("max_reject_rise", before.max_reject_rise != now.max_reject_rise),
        ("shadow", before.shadow != now.shadow),
        ("on_difference", before.on_difference != now.on_difference),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key)
}
