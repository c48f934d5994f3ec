//! From a file to a plugin: read, pinned, compiled or found in the cache, linked.
//!
//! A file comes in with its place in the manifest; out comes code that any worker can instantiate, or the
//! reason why not, before anything runs.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use wasmtime::component::{Component, InstancePre};

use super::aggregate::Aggregation;
use super::caller::Callers;
use super::code;
use super::cogroup::Cogroup;
use super::compile::CompileError;
use super::engine::{Engine, STACK_BYTES};
use super::error::{PluginError, PluginFailure};
use super::file::PluginFile;
use super::guest::Guest;
use super::interface::{Interface, PACKAGE};
use super::inverse::Inversion;
use super::limits::Limits;
use super::live::{Contract, Live};
use super::migrate_state::Migration;
use super::reduce::Reduction;
use super::spec::PluginSpec;
use super::transform::Transformation;
use super::update_state::Update;
use super::{Aggregator, Cogrouper, Inverter, Migrator, Plugin, Reducer, Transformer, Updater};
use crate::metrics::Metrics;
use crate::record::{Bytes, PluginId};

/// What is linked of WASI; everything in it that would reach outside answers an error.
const WASI: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// A component larger than this carries an interpreter that starts slowly.
const SLOW_START_FILE: Bytes = Bytes::mib(4);

/// A plugin of Wasm, compiled and linked.
#[derive(Clone)]
pub struct WasmPlugin {
    pub(super) shared: Arc<Loaded>,
}

pub(super) struct Loaded {
    pub(super) id: PluginId,
    pub(super) config: String,
    pub(super) limits: Limits,
    /// Whether an instance may serve one partition after the other.
    pub(super) reuse: bool,
    pub(super) engine: Engine,
    pub(super) code: InstancePre<Guest>,
    pub(super) callers: Callers,
    interfaces: Vec<Interface>,
    imports: Vec<String>,
    file_bytes: usize,
    metrics: Metrics,
}

impl WasmPlugin {
    /// Loads the plugin that the manifest calls `name`, for the pipeline that `metrics` are of.
    pub fn load(
        engine: &Engine,
        name: &str,
        spec: &PluginSpec,
        metrics: &Metrics,
    ) -> Result<Self, PluginError> {
        let file = PluginFile::read(name, spec)?;
        Self::from_file(engine, name, spec, &file, metrics)
    }

    /// Loads a plugin whose file was read.
    pub fn from_file(
        engine: &Engine,
        name: &str,
        spec: &PluginSpec,
        file: &PluginFile,
        metrics: &Metrics,
    ) -> Result<Self, PluginError> {
        let loaded = load(engine, name, spec, file, metrics);
        let loaded = loaded.map_err(|failure| failure.of(name))?;
        Ok(Self { shared: Arc::new(loaded) })
    }

    /// The interfaces of the contract that it exports.
    pub fn interfaces(&self) -> &[Interface] {
        &self.shared.interfaces
    }

    /// What it imports.
    pub fn imports(&self) -> &[String] {
        &self.shared.imports
    }

    /// The size of its file.
    pub fn file_bytes(&self) -> usize {
        self.shared.file_bytes
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Opens it as what `contract` says, on a thread of its own: the stack of whoever opens a plugin may be smaller
    /// than what a guest may use, and running out of that ends the process.
    fn open<C: Contract>(&self, stream: &str, contract: C) -> Result<Live<C>, PluginError> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("open".into()).stack_size(STACK_BYTES);
            match thread.spawn_scoped(scope, || Live::open(&self.shared, stream, contract)) {
                Ok(opening) => opening.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(error) => {
                    let problem = format!("no thread to open it on: {error}; look at the limit of processes");
                    Err(self.shared.error(stream, PluginFailure::Host(problem)))
                }
            }
        })
    }
}

impl std::fmt::Debug for WasmPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmPlugin").field("id", &self.shared.id).finish_non_exhaustive()
    }
}

impl Loaded {
    pub(super) fn error(&self, stream: &str, failure: PluginFailure) -> PluginError {
        PluginError { plugin: self.id.name.clone(), stream: Some(stream.to_owned()), failure }
    }

    /// Whether it exports an interface; the error says what it exports instead.
    pub(super) fn offers(&self, wanted: Interface) -> Result<(), PluginFailure> {
        if self.interfaces.contains(&wanted) {
            return Ok(());
        }
        let offered = self.interfaces.iter().map(|i| i.name()).collect::<Vec<_>>().join(", ");
        let wanted = wanted.name();
        Err(PluginFailure::Unsuitable(format!(
            "it exports {offered}, and this operator calls {wanted}; use another operator or plugin"
        )))
    }
}

impl Plugin for WasmPlugin {
    fn id(&self) -> &PluginId {
        &self.shared.id
    }

    fn with_spec(&self, spec: &PluginSpec) -> Result<Option<Arc<dyn Plugin>>, PluginError> {
        let Loaded { id, engine, code, interfaces, imports, file_bytes, metrics, .. } = &*self.shared;
        let limits = Limits::new(&spec.limits, *file_bytes as u64);
        let limits = limits.map_err(|limit| PluginFailure::LimitsTooHigh(limit).of(&id.name))?;
        let loaded = Loaded {
            id: id.clone(),
            config: spec.config.to_string(),
            limits,
            reuse: reuse(spec, *file_bytes),
            engine: engine.clone(),
            code: code.clone(),
            callers: Callers::new(&id.name, metrics, &limits),
            metrics: metrics.clone(),
            interfaces: interfaces.clone(),
            imports: imports.clone(),
            file_bytes: *file_bytes,
        };
        Ok(Some(Arc::new(Self { shared: Arc::new(loaded) })))
    }

    fn transformer(&self, stream: &str, input: &SchemaRef) -> Result<Box<dyn Transformer>, PluginError> {
        Ok(Box::new(self.open(stream, Transformation { input: Arc::clone(input) })?))
    }

    fn reducer(&self, stream: &str, value: &SchemaRef) -> Result<Box<dyn Reducer>, PluginError> {
        Ok(Box::new(self.open(stream, Reduction { value: Arc::clone(value) })?))
    }

    fn inverter(&self, stream: &str, value: &SchemaRef) -> Result<Option<Box<dyn Inverter>>, PluginError> {
        if [Interface::Reduce, Interface::Inverse].iter().any(|part| self.shared.offers(*part).is_err()) {
            return Ok(None);
        }
        Ok(Some(Box::new(self.open(stream, Inversion { value: Arc::clone(value) })?)))
    }

    fn aggregator(&self, stream: &str, value: &SchemaRef) -> Result<Box<dyn Aggregator>, PluginError> {
        Ok(Box::new(self.open(stream, Aggregation { value: Arc::clone(value) })?))
    }

    fn cogrouper(
        &self,
        stream: &str,
        key: &SchemaRef,
        left: &SchemaRef,
        right: &SchemaRef,
    ) -> Result<Box<dyn Cogrouper>, PluginError> {
        let (key, left, right) = (Arc::clone(key), Arc::clone(left), Arc::clone(right));
        Ok(Box::new(self.open(stream, Cogroup { key, left, right })?))
    }

    fn updater(
        &self,
        stream: &str,
        key: &SchemaRef,
        value: &SchemaRef,
    ) -> Result<Box<dyn Updater>, PluginError> {
        let (key, value) = (Arc::clone(key), Arc::clone(value));
        Ok(Box::new(self.open(stream, Update { key, value })?))
    }

    fn migrator(
        &self,
        stream: &str,
        key: &SchemaRef,
        value: &SchemaRef,
    ) -> Result<Option<Box<dyn Migrator>>, PluginError> {
        let parts = [Interface::UpdateState, Interface::MigrateState];
        if parts.iter().any(|part| self.shared.offers(*part).is_err()) {
            return Ok(None);
        }
        let update = Update { key: Arc::clone(key), value: Arc::clone(value) };
        Ok(Some(Box::new(self.open(stream, Migration(update))?)))
    }
}

fn load(
    engine: &Engine,
    name: &str,
    spec: &PluginSpec,
    file: &PluginFile,
    metrics: &Metrics,
) -> Result<Loaded, PluginFailure> {
    let PluginFile { bytes, digest } = file;
    let limits = Limits::new(&spec.limits, bytes.len() as u64).map_err(PluginFailure::LimitsTooHigh)?;
    let component = compile(engine, &spec.path, &limits, bytes)?;
    let ty = component.component_type();
    let imports: Vec<String> = ty.imports(engine.wasm()).map(|(import, _)| import.to_owned()).collect();
    let exports: Vec<String> = ty.exports(engine.wasm()).map(|(export, _)| export.to_owned()).collect();
    let interfaces = interfaces(&spec.path, &exports)?;
    refuse_ungranted(&spec.path, &imports)?;
    let code = engine.linker().instantiate_pre(&component).map_err(|error| {
        PluginFailure::Unsuitable(format!(
            "{} doesn't fit what the host offers: {error:#}",
            spec.path.display()
        ))
    })?;
    Ok(Loaded {
        id: PluginId { name: name.to_owned(), digest: digest.clone() },
        config: spec.config.to_string(),
        limits,
        engine: engine.clone(),
        code,
        reuse: reuse(spec, bytes.len()),
        callers: Callers::new(name, metrics, &limits),
        metrics: metrics.clone(),
        interfaces,
        imports,
        file_bytes: bytes.len(),
    })
}

/// Whether an instance may serve one partition after the other.
fn reuse(spec: &PluginSpec, file_bytes: usize) -> bool {
    spec.reuse.unwrap_or(file_bytes as u64 > SLOW_START_FILE.0)
}

fn compile(engine: &Engine, path: &Path, limits: &Limits, bytes: &[u8]) -> Result<Component, PluginFailure> {
    if let Some(component) = engine.cache().and_then(|cache| cache.load(engine.wasm(), bytes)) {
        return Ok(component);
    }
    let code = engine.compiler().compile(engine.wasm(), bytes, limits).map_err(|error| match error {
        CompileError::Refused(problem) => PluginFailure::Unsuitable(format!("{} {problem}", path.display())),
        CompileError::Limit(limit) => PluginFailure::Limit(limit),
        CompileError::Host(problem) => PluginFailure::Host(problem),
    })?;
    let component = code::load(engine.wasm(), &code).map_err(|error| {
        // It was compiled just now, so it is the engine that has no room for what it asks for.
        let problem = format!("{} is compiled, but its code can't be loaded: {error:#}", path.display());
        PluginFailure::Unsuitable(problem)
    })?;
    if let Some(cache) = engine.cache() {
        cache.store(bytes, &code);
    }
    Ok(component)
}

fn interfaces(path: &Path, exports: &[String]) -> Result<Vec<Interface>, PluginFailure> {
    let exported = |interface: &Interface| exports.iter().any(|export| interface.is(export));
    let ours: Vec<_> = Interface::ALL.into_iter().filter(exported).collect();
    if ours.is_empty() {
        let found = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        let wanted = Interface::ALL.map(|i| format!("{PACKAGE}{}", i.name())).join(" or ");
        let problem = format!(
            "{} is a component of another contract: it exports {found}; {wanted} is wanted",
            path.display()
        );
        return Err(PluginFailure::Unsuitable(problem));
    }
    Ok(ours)
}

fn refuse_ungranted(path: &Path, imports: &[String]) -> Result<(), PluginFailure> {
    let granted =
        |import: &str| import.starts_with(PACKAGE) || WASI.iter().any(|wasi| import.starts_with(wasi));
    let ungranted: Vec<_> = imports.iter().filter(|import| !granted(import)).map(String::as_str).collect();
    if ungranted.is_empty() {
        return Ok(());
    }
    let problem = format!(
        "{} imports {}, which plugins are not granted; build it without",
        path.display(),
        ungranted.join(", ")
    );
    Err(PluginFailure::Unsuitable(problem))
}
