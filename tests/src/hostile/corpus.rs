//! The corpus: each plugin with the input that it turns against, and what it meets.

#![allow(clippy::result_large_err, reason = "a test looks at the error as it is")]

mod bombs;
mod files;
mod lies;

use std::path::PathBuf;

use serde_json::Value;
use tidemill::metrics::Metrics;
use tidemill::plugin::{LimitsSpec, Plugin, PluginError, PluginFailure, PluginSpec, Transformer, WasmPlugin};

use super::witness::{line_schema, lines, number_schema, numbers};
use super::{CALL, ENGINE, as_a_worker};

pub use bombs::{bad_lines, misbehave, tight};

/// Where a plugin fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// When its file is loaded.
    Load,
    /// When it is opened for a stream.
    Open,
    /// When it is called.
    Call,
}

/// Which kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Digest,
    Unsuitable,
    LimitsTooHigh,
    Refused,
    Failed,
    Trapped,
    Limit,
    InvalidAnswer,
    Host,
}

/// What it is called with.
#[derive(Clone, Debug)]
pub enum Input {
    /// Lines, for a transform.
    Lines(Vec<&'static str>),
    /// Two keys with numbers, for a reduction.
    Numbers,
}

/// A plugin, and what it meets.
#[derive(Clone, Debug)]
pub struct Case {
    /// What a failing test calls it.
    pub name: String,
    pub path: PathBuf,
    pub config: Value,
    pub limits: LimitsSpec,
    pub input: Input,
    pub at: At,
    pub kind: Kind,
    /// What the error says, behind the plugin's name.
    pub says: String,
}

/// All of them.
pub fn corpus() -> Vec<Case> {
    [bombs::cases(), lies::cases(), files::cases()].concat()
}

impl Case {
    /// A plugin that fails when it is called with lines, with the default limits.
    pub fn new(name: &str, path: PathBuf, at: At, kind: Kind, says: &str) -> Self {
        let (config, limits) = (Value::Null, LimitsSpec::default());
        let input = Input::Lines(vec!["a", "b"]);
        Self { name: name.to_owned(), path, config, limits, input, at, kind, says: says.to_owned() }
    }

    /// With other limits.
    pub fn limits(self, limits: LimitsSpec) -> Self {
        Self { limits, ..self }
    }

    /// With a config.
    pub fn config(self, config: Value) -> Self {
        Self { config, ..self }
    }

    /// Called with `input`.
    pub fn input(self, input: Input) -> Self {
        Self { input, ..self }
    }

    /// Loads, opens and calls it; answers where it failed and why, and the transform if it is one that was called.
    pub fn run(&self) -> Result<(), (At, PluginError)> {
        as_a_worker(|| self.run_here())
    }

    fn run_here(&self) -> Result<(), (At, PluginError)> {
        let plugin = self.load().map_err(|error| (At::Load, error))?;
        match &self.input {
            Input::Lines(rows) => {
                let mut transform = open(&plugin).map_err(|error| (At::Open, error))?;
                let called = transform.process(&CALL, &lines(rows), rows.len());
                called.map(|_| ()).map_err(|error| (At::Call, error))
            }
            Input::Numbers => {
                let mut sum = plugin.reducer("sums", &number_schema()).map_err(|error| (At::Open, error))?;
                let called = sum.reduce(&CALL, &[1, 3], &numbers(&[1, 2, 3]));
                called.map(|_| ()).map_err(|error| (At::Call, error))
            }
        }
    }

    /// Loads it.
    pub fn load(&self) -> Result<WasmPlugin, PluginError> {
        let spec = PluginSpec {
            config: self.config.clone(),
            limits: self.limits.clone(),
            ..PluginSpec::new(&self.path)
        };
        WasmPlugin::load(&ENGINE, "odd", &spec, &Metrics::new("p"))
    }
}

/// Opens `plugin` as a transform of lines.
pub fn open(plugin: &WasmPlugin) -> Result<Box<dyn Transformer>, PluginError> {
    plugin.transformer("passed", &line_schema())
}

/// The kind of `failure`.
pub fn kind(failure: &PluginFailure) -> Kind {
    match failure {
        PluginFailure::File { .. } => Kind::File,
        PluginFailure::Digest { .. } => Kind::Digest,
        PluginFailure::Unsuitable(_) => Kind::Unsuitable,
        PluginFailure::LimitsTooHigh(_) => Kind::LimitsTooHigh,
        PluginFailure::Refused(_) => Kind::Refused,
        PluginFailure::Failed(_) => Kind::Failed,
        PluginFailure::Trapped(_) => Kind::Trapped,
        PluginFailure::Limit(_) => Kind::Limit,
        PluginFailure::InvalidAnswer(_) => Kind::InvalidAnswer,
        PluginFailure::Host(_) => Kind::Host,
        other => panic!("a new kind of failure: {other}"),
    }
}
