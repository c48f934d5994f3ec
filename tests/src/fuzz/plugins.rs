//! Arbitrary plugins: each is refused, fails with a typed error, or answers what holds together.

use std::fs;

use serde_json::json;
use tempfile::TempDir;
use tidemill::metrics::Metrics;
use tidemill::plugin::{Engine, EngineOptions, PluginError, PluginFailure, PluginSpec, WasmPlugin};
use tidemill::record::{Bytes, Period};
use wasm_encoder::{CustomSection, Encode};
use wasm_smith::{Config, Module};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::super::support::plugin;
use super::calls::call_all;
use super::cases::cases;
use super::dice::Dice;

const PLUGINS: [&str; 7] = ["split_words", "sum", "select", "is_large", "mean", "visits", "settle"];

/// Takes whatever is called a plugin as far as it goes.
struct Host {
    engine: Engine,
    folder: TempDir,
}

impl Host {
    fn new() -> Self {
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        Self { engine, folder: tempfile::tempdir().unwrap() }
    }

    /// Loads and opens it, and calls it. How far it came is told by the error.
    fn use_plugin(&self, bytes: &[u8], config: &serde_json::Value) -> Result<(), PluginError> {
        let path = self.folder.path().join("plugin.wasm");
        fs::write(&path, bytes).unwrap();
        let mut spec = PluginSpec::new(path);
        spec.config = config.clone();
        spec.limits.memory = Some(Bytes::mib(16));
        spec.limits.output = Some(Bytes::mib(1));
        spec.limits.time = Some(Period::millis(50));
        spec.limits.open_time = Some(Period::millis(50));
        let plugin = WasmPlugin::load(&self.engine, "odd", &spec, &Metrics::new("p"))?;
        call_all(&plugin)
    }
}

#[track_caller]
fn is_told(result: Result<(), PluginError>) {
    if let Err(error) = result {
        let text = error.to_string();
        assert!(text.starts_with("plugin `odd`: ") && text.len() < 8192, "{text}");
    }
}

/// A plugin that ships, and the config that it wants.
struct Good {
    module: Vec<u8>,
    component: Vec<u8>,
    config: serde_json::Value,
}

impl Good {
    fn all() -> Vec<Self> {
        let read = |name: &&str| {
            let module = fs::read(plugin(name)).unwrap();
            let component =
                ComponentEncoder::default().module(&module).and_then(|encoder| encoder.encode()).unwrap();
            let config = if *name == "select" { json!({ "columns": ["n"] }) } else { json!(null) };
            Self { module, component, config }
        };
        PLUGINS.iter().map(read).collect()
    }
}

#[test]
fn damaged_plugins_harm_nobody() {
    let host = Host::new();
    let good = Good::all();
    cases("damaged plugins", 80, |dice| {
        let plugin = &good[dice.below(good.len())];
        let bytes = [&plugin.module, &plugin.component][dice.below(2)];
        let damaged = match dice.below(4) {
            0 => dice.damaged(bytes, &[]),
            _ => dice.flipped(bytes),
        };
        is_told(host.use_plugin(&damaged, &plugin.config));
    });
}

/// What a generated module may have: what the engine allows.
fn config(dice: &mut Dice) -> Config {
    Config {
        allow_start_export: dice.below(4) == 0,
        bulk_memory_enabled: true,
        custom_page_sizes_enabled: false,
        disallow_traps: dice.below(2) == 0,
        exceptions_enabled: false,
        gc_enabled: false,
        max_memories: 1,
        memory64_enabled: false,
        min_funcs: 1,
        multi_value_enabled: true,
        reference_types_enabled: true,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        simd_enabled: true,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

fn module(config: Config, dice: &mut Dice) -> Option<Vec<u8>> {
    let bytes = dice.bytes(4096);
    Module::new(config, &mut arbitrary::Unstructured::new(&bytes)).ok().map(|module| module.to_bytes())
}

#[test]
fn arbitrary_modules_harm_nobody() {
    let host = Host::new();
    cases("modules", 200, |dice| {
        let config = config(dice);
        let Some(module) = module(config, dice) else { return };
        is_told(host.use_plugin(&module, &json!(null)));
    });
}

/// The sections of `module` that say which interfaces it has.
fn interfaces(module: &[u8]) -> Vec<u8> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload.unwrap()
            && section.name().starts_with("component-type")
        {
            sections.push(0);
            CustomSection { name: section.name().into(), data: section.data().into() }.encode(&mut sections);
        }
    }
    assert!(!sections.is_empty(), "a plugin doesn't say which interfaces it has");
    sections
}

#[test]
fn arbitrary_code_in_the_shape_of_a_plugin_harms_nobody() {
    let host = Host::new();
    let shapes = Good::all();
    let interfaces: Vec<Vec<u8>> = shapes.iter().map(|shape| interfaces(&shape.module)).collect();
    let called = std::cell::Cell::new(0);
    cases("code", 80, |dice| {
        let which = dice.below(shapes.len());
        let config = Config { module_shape: Some(shapes[which].module.clone()), ..config(dice) };
        let Some(mut module) = module(config, dice) else { return };
        module.extend_from_slice(&interfaces[which]);
        let result = host.use_plugin(&module, &shapes[which].config);
        let unsuitable =
            result.as_ref().is_err_and(|error| matches!(error.failure, PluginFailure::Unsuitable(_)));
        called.set(called.get() + u32::from(!unsuitable));
        is_told(result);
    });
    assert!(called.get() > 0, "no module came as far as a call");
}
