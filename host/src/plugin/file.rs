//! The file of a plugin: read within its limit, named by its digest, compared with what is pinned.

use std::fs::File;
use std::io::Read;

use sha2::{Digest, Sha256};

use super::error::{Limit, PluginError, PluginFailure};
use super::limits::Limits;
use super::spec::PluginSpec;

/// What is in a plugin's file.
#[derive(Debug)]
pub struct PluginFile {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its SHA-256, in hexadecimal.
    pub digest: String,
}

impl PluginFile {
    /// Reads the file of the plugin that the manifest calls `name`. One that isn't what `spec` pins is refused.
    pub fn read(name: &str, spec: &PluginSpec) -> Result<Self, PluginError> {
        let bytes = read(spec).map_err(|failure| failure.of(name))?;
        Self::of(name, spec, bytes)
    }

    /// Takes `bytes` for the file of the plugin that the manifest calls `name`, likewise.
    pub fn of(name: &str, spec: &PluginSpec, bytes: Vec<u8>) -> Result<Self, PluginError> {
        let file = Self::from_bytes(bytes);
        match &spec.sha256 {
            Some(pinned) if !pinned.eq_ignore_ascii_case(&file.digest) => {
                let (path, pinned) = (spec.path.clone(), pinned.clone());
                Err(PluginFailure::Digest { path, found: file.digest, pinned }.of(name))
            }
            _ => Ok(file),
        }
    }

    /// A file with `bytes` in it.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, digest }
    }
}

fn read(spec: &PluginSpec) -> Result<Vec<u8>, PluginFailure> {
    let failed = |source| PluginFailure::File { path: spec.path.clone(), source };
    let most = Limits::new(&spec.limits, 0).map_err(PluginFailure::LimitsTooHigh)?.file;
    let mut bytes = Vec::new();
    let file = File::open(&spec.path).map_err(failed)?;
    file.take(most.0.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most.0 { Err(PluginFailure::Limit(Limit::File(most))) } else { Ok(bytes) }
}
