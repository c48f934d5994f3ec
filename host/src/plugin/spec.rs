//! A plugin as a manifest describes it: which file, with which config and limits.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::limits::LimitsSpec;

/// One entry of `[plugins]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginSpec {
    /// The component or core module.
    pub path: PathBuf,
    /// The SHA-256 that the file must have, in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Handed to the plugin's `open` as JSON; `null` where absent.
    #[serde(default)]
    pub config: serde_json::Value,
    /// What it may use.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// Whether an instance may serve one partition after the other. Faster, for plugins that keep nothing from call to
    /// call that shows in what they answer. By default only those of interpreters do, which start slowly.
    #[serde(default)]
    pub reuse: Option<bool>,
}

impl PluginSpec {
    /// The plugin in `path`, without config, with the default limits.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            sha256: None,
            config: serde_json::Value::Null,
            limits: LimitsSpec::default(),
            reuse: None,
        }
    }

    /// Makes a relative path start at `base`.
    pub fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }
}
