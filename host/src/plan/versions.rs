//! Which code each plugin of a pipeline begins with: that of its file, or that which ran last.

use std::collections::{HashMap, HashSet};

use crate::checkpoint::CodeFolder;
use crate::plugin::{PluginError, PluginFile, PluginSpec};

/// The versions of plugins that ran last.
#[derive(Default)]
pub struct RanLast {
    /// Their digests, by the plugin.
    pub digests: HashMap<String, String>,
    /// Where they are kept.
    pub code: Option<CodeFolder>,
    /// The plugins that begin with what ran whatever is said of their files, because these are swapped in then.
    pub replaced: HashSet<String>,
}

impl RanLast {
    /// The code that the plugin `name` begins with: what ran last, unless the manifest pins its file. Says so where that
    /// isn't what is in the file.
    pub(super) fn file_of(&self, name: &str, spec: &PluginSpec) -> Result<PluginFile, PluginError> {
        let (Some(digest), Some(code)) = (self.digests.get(name), &self.code) else {
            return PluginFile::read(name, spec);
        };
        if self.replaced.contains(name)
            && let Ok(ran) = code.read(digest)
        {
            return Ok(ran);
        }
        if spec.sha256.is_some() {
            return PluginFile::read(name, spec);
        }
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
