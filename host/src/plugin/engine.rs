//! The one engine of a process: how Wasm is compiled and run, what it may import, and the ticks of its deadlines.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::bindings;
use super::cache::Cache;
use super::compile::Compiler;
use super::guest::Guest;
use super::limits::MAXIMUM;
use crate::disk::cache_folder;
use crate::record::Bytes;

/// How often deadlines are looked at.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The Wasm stack of a guest. Interpreted languages recurse through several frames a call of their own.
pub(super) const WASM_STACK: Bytes = Bytes::mib(2);

/// The stack of a thread that calls plugins, and so of those that run tasks: a guest may recurse through 2 MiB, and
/// the host's own frames come on top.
pub const STACK_BYTES: usize = 8 << 20;

/// The instances that may live at a time; each reserves address space, not memory.
const MAX_INSTANCES: u32 = 2000;

/// How much memory of an instance that is gone is wiped for the next one, in bytes; the rest goes back to the system.
const KEPT_MEMORY: usize = 1 << 20;

/// Where an engine compiles, and keeps what it compiled.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// Where plugins are compiled.
    pub compiler: Compiler,
    /// The folder of compiled code; none turns the cache off.
    pub cache: Option<PathBuf>,
    /// For measurements of what limits cost: whether calls run without a limit of time, so that an endless loop
    /// never ends. Needs [`Compiler::InProcess`], because code of other settings is refused.
    #[doc(hidden)]
    pub without_time_limits: bool,
}

impl EngineOptions {
    /// With the user's cache folder: `TIDEMILL_CACHE`, or `tidemill` in `XDG_CACHE_HOME` or `~/.cache`; and a
    /// compiler in this process.
    pub fn from_env() -> Self {
        Self { cache: cache_folder(), ..Self::default() }
    }
}

/// The engine could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the Wasm engine: {0}; it reserves much address space, so look at `ulimit -v`")]
pub struct EngineError(String);

/// Compiles and runs plugins. Cheap to clone; one a process is enough.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    wasm: wasmtime::Engine,
    linker: Linker<Guest>,
    compiler: Compiler,
    cache: Option<Cache>,
    ended: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts an engine.
    pub fn new(options: &EngineOptions) -> Result<Self, EngineError> {
        let mut config = config();
        config.epoch_interruption(!options.without_time_limits);
        // An instance in microseconds: a slot that is there, with memory mapped copy-on-write from the image.
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
        let wasm = wasmtime::Engine::new(&config).map_err(|e| EngineError(format!("{e:#}")))?;
        let linker = linker(&wasm).map_err(|e| EngineError(format!("{e:#}")))?;
        let cache = options.cache.as_deref().and_then(|folder| Cache::open(folder, &wasm));
        let ended = Arc::new(AtomicBool::new(false));
        let ticker = tick(wasm.clone(), Arc::clone(&ended))
            .map_err(|e| EngineError(format!("no thread for deadlines: {e}")))?;
        let compiler = options.compiler.clone();
        let shared = Shared { wasm, linker, compiler, cache, ended, ticker: Some(ticker) };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(super) fn wasm(&self) -> &wasmtime::Engine {
        &self.shared.wasm
    }

    pub(super) fn linker(&self) -> &Linker<Guest> {
        &self.shared.linker
    }

    pub(super) fn compiler(&self) -> &Compiler {
        &self.shared.compiler
    }

    pub(super) fn cache(&self) -> Option<&Cache> {
        self.shared.cache.as_ref()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("cache", &self.shared.cache.is_some()).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
    }
}

/// All that compiled code depends on.
fn config() -> Config {
    let mut config = Config::new();
    set_features(&mut config);
    config
        // The bits of a NaN differ from machine to machine, and would show in a hash or a sum.
        .cranelift_nan_canonicalization(true)
        // Endless loops end. It costs (`cargo xtask bench`, group `limits`), but less than counting instructions.
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK.as_usize())
        // Calls are synchronous, on worker threads; nothing of a guest runs between them.
        .concurrency_support(false)
        // Memory of an instance is mapped copy-on-write from the image.
        .memory_init_cow(true);
    config
}

/// Every feature of WebAssembly that wasmtime has a switch for, so that a new version changes none behind our
/// back. What no supported guest language needs is off: each is code of the compiler and the runtime to trust.
fn set_features(config: &mut Config) {
    config
        // Plugins are components.
        .wasm_component_model(true)
        // What LLVM makes by default, since 2024 for `wasm32`; `cargo xtask plugins` adds SIMD.
        .wasm_multi_value(true)
        .wasm_bulk_memory(true)
        .wasm_reference_types(true)
        .wasm_extended_const(true)
        .wasm_simd(true)
        // wasmtime itself joins the memories of a component's parts with it, and panics where it is off. A
        // plugin's own module with two memories is refused by the pool, which has one for each module.
        .wasm_multi_memory(true);
    config
        // A call is a function of its arguments; no memory is shared.
        .wasm_threads(false)
        .shared_memory(false)
        .wasm_shared_everything_threads(false)
        // Its results differ from machine to machine. Were it ever on, they should not.
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        // A heap beside the memory that is limited, without a collector: none is built in. The second also
        // keeps `externref` out, which needs that heap too.
        .wasm_gc(false)
        .gc_support(false)
        .wasm_function_references(false)
        // Kotlin, Dart and Scheme would need these three with GC; exceptions of C++ are compiled away.
        .wasm_exceptions(false)
        .wasm_tail_call(false)
        // Stacks that no limit counts.
        .wasm_stack_switching(false)
        // Bounds checks in software, and more memory than a plugin may have.
        .wasm_memory64(false)
        // Not standard yet, and nothing is built with them.
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_branch_hinting(false)
        // The contract is synchronous and speaks in lists, records and variants of the first component model.
        // (Its async half isn't even compiled in: wasmtime's cargo feature `component-model-async` is off.)
        .wasm_component_model_error_context(false)
        .wasm_component_model_gc(false)
        .wasm_component_model_map(false)
        .wasm_component_model_memory64(false)
        .wasm_component_model_fixed_length_lists(false)
        .wasm_component_model_implements(false);
}

/// An engine that compiles what an [`Engine`] runs. It has no room for instances, so it reserves no address space.
pub(super) fn for_compiling() -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&config())
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        .total_core_instances(MAX_INSTANCES * 4)
        .total_memories(MAX_INSTANCES)
        .total_tables(MAX_INSTANCES * 4)
        // Refused when it is compiled, before a limit of its own can be asked for.
        .max_core_instances_per_component(MAXIMUM.instances)
        .max_memories_per_component(MAXIMUM.memories)
        .max_tables_per_component(MAXIMUM.tables)
        .max_tables_per_module(MAXIMUM.tables)
        .max_memories_per_module(1)
        .max_memory_size(MAXIMUM.memory.as_usize())
        .table_elements(MAXIMUM.table_elements as usize);
    // Instances are made for each partition of each batch, and each would wait for the system to give back the pages
    // that the one before it had. Where Linux doesn't tell which these are (before 6.7), wiping costs more than that.
    // Places of instances that are gone are taken before new ones, so that no more is kept than was in use at once.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEPT_MEMORY).max_unused_warm_slots(0);
    }
    pool
}

/// Links the host's own functions, and a WASI that grants nothing: people's toolchains add it unasked.
fn linker(wasm: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(wasm);
    bindings::host::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    tame(&mut linker)?;
    Ok(linker)
}

/// Puts our own clocks and random numbers in the place of WASI's, so that a call is a function of its arguments.
fn tame(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    wall_clock::add_to_linker::<_, HasSelf<_>>(linker, |guest: &mut Guest| guest)?;
    monotonic_clock::add_to_linker::<_, HasSelf<_>>(linker, |guest: &mut Guest| guest)?;
    random::add_to_linker::<_, HasSelf<_>>(linker, |guest: &mut Guest| guest)?;
    insecure::add_to_linker::<_, HasSelf<_>>(linker, |guest: &mut Guest| guest)?;
    insecure_seed::add_to_linker::<_, HasSelf<_>>(linker, |guest: &mut Guest| guest)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn tick(wasm: wasmtime::Engine, ended: Arc<AtomicBool>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("deadlines".into()).spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            std::thread::park_timeout(TICK);
            wasm.increment_epoch();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_engine_compiles_the_other_runs() {
        let component = for_compiling().unwrap().precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        super::super::code::load(engine.wasm(), &component).unwrap();
    }

    #[test]
    fn only_an_engine_made_for_measurements_runs_code_without_limits_of_time() {
        let options = EngineOptions { without_time_limits: true, ..EngineOptions::default() };
        let unlimited = Engine::new(&options).unwrap();
        let component = unlimited.wasm().precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
        super::super::code::load(unlimited.wasm(), &component).unwrap();
        for options in [EngineOptions::default(), EngineOptions::from_env()] {
            let engine = Engine::new(&options).unwrap();
            let error = super::super::code::load(engine.wasm(), &component).unwrap_err();
            assert!(format!("{error:#}").contains("epoch interruption"), "{error:#}");
        }
    }
}
