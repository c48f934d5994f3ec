//! The first step: which plugin is meant, and what is in the file.

use std::path::PathBuf;

use super::SwapError;
use super::shared::Known;
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

/// What a plugin is to be, other than what runs.
pub(super) struct Candidate {
    pub(super) plugin: String,
    pub(super) spec: PluginSpec,
    /// The file that messages name.
    pub(super) from: PathBuf,
    /// Its code; none where that stays.
    pub(super) file: Option<PluginFile>,
}

/// Reads `code` for the plugin, or the plugin of the stream, called `name`.
pub(super) fn read(
    pipeline: &Pipeline,
    known: &Known,
    name: &str,
    code: &Code,
) -> Result<Candidate, SwapError> {
    let plugin = find(pipeline, name)?;
    let spec = known.specs.get(plugin).ok_or_else(|| SwapError::Native(plugin.to_owned()))?;
    let from = match code {
        Code::File(path) => path.clone(),
        Code::Bytes(_) => PathBuf::from("the code that was given"),
    };
    let read_as = PluginSpec { path: from.clone(), ..spec.clone() };
    let file = match code {
        Code::File(_) => PluginFile::read(plugin, &read_as)?,
        Code::Bytes(bytes) => PluginFile::of(plugin, &read_as, bytes.clone())?,
    };
    check_news(known, plugin, &file.digest)?;
    Ok(Candidate { plugin: plugin.to_owned(), spec: spec.clone(), from, file: Some(file) })
}

/// Whether code with the digest `digest` is neither what runs nor what failed.
fn check_news(known: &Known, plugin: &str, digest: &str) -> Result<(), SwapError> {
    let (plugin, digest) = (plugin.to_owned(), digest.to_owned());
    if known.plugins.get(&plugin).is_some_and(|running| running.digest == digest) {
        return Err(SwapError::Unchanged { plugin, digest });
    }
    match known.quarantined.get(&plugin).filter(|bad| bad.digest == digest) {
        Some(bad) => Err(SwapError::Quarantined { plugin, digest, reason: bad.reason.clone() }),
        None => Ok(()),
    }
}

/// What the plugin `plugin` is to be by `spec`; none where that changes nothing that runs.
pub(super) fn read_again(
    known: &Known,
    plugin: &str,
    spec: &PluginSpec,
) -> Result<Option<Candidate>, SwapError> {
    let Some(before) = known.specs.get(plugin) else { return Ok(None) };
    let file = match before.has_code_of(spec) {
        true => None,
        false => match PluginFile::read(plugin, spec) {
            Ok(file) => match check_news(known, plugin, &file.digest) {
                Ok(()) => Some(file),
                Err(SwapError::Unchanged { .. }) => None,
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error.into()),
        },
    };
    let is_same = file.is_none() && before.runs_as(spec);
    let (plugin, from) = (plugin.to_owned(), spec.path.clone());
    Ok((!is_same).then(|| Candidate { plugin, spec: spec.clone(), from, file }))
}

/// The name of the plugin `name`, or of that of the stream `name`.
pub(super) fn find<'a>(pipeline: &'a Pipeline, name: &str) -> Result<&'a str, SwapError> {
    let of_stream = || pipeline.streams.get(name)?.op.plugin();
    let plugin = pipeline.plugins.get_key_value(name);
    let plugin: Option<(&String, &PluginSource)> =
        plugin.or_else(|| pipeline.plugins.get_key_value(of_stream()?));
    plugin.map(|(name, _)| name.as_str()).ok_or_else(|| SwapError::Unknown {
        name: name.to_owned(),
        known: pipeline.plugins.keys().cloned().collect(),
    })
}
