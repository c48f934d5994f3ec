//! The first step: which plugin is meant, and what is in the file.

use std::path::PathBuf;

use super::SwapError;
use super::shared::Table;
use crate::manifest::{Pipeline, PluginSource};
use crate::plugin::{PluginFile, PluginSpec};

/// New code for a plugin.
#[derive(Clone, Debug)]
pub enum Code {
    /// In a file.
    File(PathBuf),
    /// At hand.
    Bytes(Vec<u8>),
}

/// Code that was read, and differs from what runs.
pub(super) struct Candidate {
    pub(super) plugin: String,
    pub(super) spec: PluginSpec,
    pub(super) file: PluginFile,
}

/// Reads `code` for the plugin, or the plugin of the stream, called `name`.
pub(super) fn read(
    pipeline: &Pipeline,
    table: &Table,
    name: &str,
    code: &Code,
) -> Result<Candidate, SwapError> {
    let (plugin, source) = find(pipeline, name)?;
    let PluginSource::File(spec) = source else { return Err(SwapError::Native(plugin.to_owned())) };
    let mut spec = spec.clone();
    let file = match code {
        Code::File(path) => {
            spec.path.clone_from(path);
            PluginFile::read(plugin, &spec)?
        }
        Code::Bytes(bytes) => PluginFile::of(plugin, &spec, bytes.clone())?,
    };
    let (plugin, digest) = (plugin.to_owned(), file.digest.clone());
    if table.plugins.get(&plugin).is_some_and(|running| running.digest == digest) {
        return Err(SwapError::Unchanged { plugin, digest });
    }
    if let Some(bad) = table.quarantined.get(&plugin).filter(|bad| bad.digest == digest) {
        return Err(SwapError::Quarantined { plugin, digest, reason: bad.reason.clone() });
    }
    Ok(Candidate { plugin, spec, file })
}

pub(super) fn find<'a>(pipeline: &'a Pipeline, name: &str) -> Result<(&'a str, &'a PluginSource), SwapError> {
    let of_stream = || pipeline.streams.get(name)?.op.plugin();
    let plugin = pipeline.plugins.get_key_value(name);
    let plugin = plugin.or_else(|| pipeline.plugins.get_key_value(of_stream()?));
    plugin.map(|(name, source)| (name.as_str(), source)).ok_or_else(|| SwapError::Unknown {
        name: name.to_owned(),
        known: pipeline.plugins.keys().cloned().collect(),
    })
}
