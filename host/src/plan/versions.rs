//! Which code each plugin of a pipeline begins with: that of its file, or that which ran last.

use std::collections::HashMap;

use crate::checkpoint::CodeFolder;
use crate::plugin::{PluginError, PluginFile, PluginSpec};

/// The versions of plugins that ran last.
#[derive(Default)]
pub struct RanLast {
    /// Their digests, by the plugin.
    pub digests: HashMap<String, String>,
    /// Where they are kept.
    pub code: Option<CodeFolder>,
}

impl RanLast {
    /// The code that the plugin `name` begins with: what ran last, unless the manifest pins its file. Says so where that
    /// isn't what is in the file.
    pub(super) fn file_of(&self, name: &str, spec: &PluginSpec) -> Result<PluginFile, PluginError> {
        let (Some(digest), Some(code), None) = (self.digests.get(name), &self.code, &spec.sha256) else {
            return PluginFile::read(name, spec);
        };
        let on_disk = PluginFile::read(name, spec);
        if on_disk.as_ref().is_ok_and(|file| file.digest == *digest) {
            return on_disk;
        }
        let ran = match code.read(digest) {
            Ok(ran) => ran,
            Err(error) => {
                tracing::warn!(plugin = %name, "the version that ran last can't be read, and its file runs instead: {error}");
                return on_disk;
            }
        };
        let (digest, path) = (digest.get(..12).unwrap_or(digest), spec.path.display());
        match on_disk {
            Ok(file) => {
                let other = file.digest.get(..12).unwrap_or_default();
                tracing::warn!(plugin = %name, "going on with {digest}, which ran last; {path} is {other} by now: swap it in, or start with --new-plugins");
            }
            Err(error) => {
                tracing::warn!(plugin = %name, "going on with {digest}, which ran last; {}", error.failure);
            }
        }
        Ok(ran)
    }
}
