//! A plugin as a manifest describes it: which file, with which config and limits.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::limits::LimitsSpec;

/// One entry of `[plugins]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    /// Whether a change of the file is swapped in while the pipeline runs.
    #[serde(default)]
    pub watch: bool,
    /// How much larger a share of the rows that it is given a new version may refuse in its first batch than the one
    /// before does, from 0 to 1, before it is rolled back; 0.1 by default.
    #[serde(default)]
    pub max_reject_rise: Option<Share>,
    /// How many batches with rows a new version runs beside the one in use before it takes its place; 0 for none.
    #[serde(default)]
    pub shadow: u32,
    /// What becomes of a new version whose rows differ while it runs beside.
    #[serde(default)]
    pub on_difference: OnDifference,
}

/// What becomes of a new version whose rows differ from those of the one that it runs beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDifference {
    /// It is told, and takes the place of the other.
    #[default]
    Report,
    /// It is refused.
    Refuse,
}

/// A share of a whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Share(pub f64);

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        match (0.0..=1.0).contains(&share) {
            true => Ok(Self(share)),
            false => Err(format!("{share} is no share; write a number from 0 to 1")),
        }
    }
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
            watch: false,
            max_reject_rise: None,
            shadow: 0,
            on_difference: OnDifference::default(),
        }
    }

    /// Whether `other` names the same file.
    pub(crate) fn has_code_of(&self, other: &Self) -> bool {
        self.path == other.path && self.sha256 == other.sha256
    }

    /// Whether the code does the same for `other`: gets the same config, within the same limits.
    pub(crate) fn runs_as(&self, other: &Self) -> bool {
        self.config == other.config && self.limits == other.limits && self.reuse == other.reuse
    }

    /// Makes a relative path start at `base`.
    pub fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }
}
