//! From Wasm to machine code: in this process, or in one of its own that has limits.
//!
//! A component or core module comes in, serialized code comes out. Compiling may take time and memory out of all
//! proportion to the file, and a compiler may panic or run out of stack: a process of its own can be ended.

mod child;
mod process;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use super::error::Limit;
use super::instance::bounded;
use super::limits::Limits;

pub use child::{CompileRequest, compile_plugin};

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Where plugins are compiled that are not in the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process. For plugins that one trusts: `limits.compile_time` and `limits.compile_memory` don't
    /// hold, and a plugin made to do so can take all memory, run for hours, or end the process by the depth of its nesting.
    #[default]
    InProcess,
    /// In a process of this program, started for each plugin as `PROGRAM compile-plugin …`, which is ended where it
    /// takes more than the limits. It is the program `tidemill` of this version, or one that calls [`compile_plugin`].
    /// The limit of memory holds on Linux.
    Process(PathBuf),
}

impl Compiler {
    /// In a process of the very program that runs now.
    pub fn this_program() -> std::io::Result<Self> {
        if cfg!(target_os = "linux") {
            // Names the file that runs even where its path holds another by now.
            return Ok(Self::Process("/proc/self/exe".into()));
        }
        std::env::current_exe().map(Self::Process)
    }

    /// The code of the component or core module in `bytes`, for the engine `wasm`.
    pub(super) fn compile(
        &self,
        wasm: &wasmtime::Engine,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::InProcess => {
                compile(wasm, bytes).map_err(|problem| CompileError::Refused(bounded(&problem)))
            }
            Self::Process(program) => process::compile(program, bytes, limits),
        }
    }
}

/// Why a plugin could not be compiled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CompileError {
    /// The file isn't what it should be: what it is or isn't, and what to do.
    Refused(String),
    /// Compiling it takes too much.
    Limit(Limit),
    /// The host could not do its part.
    Host(String),
}

/// Compiles here and now, and turns a panic of the compiler into an error.
fn compile(wasm: &wasmtime::Engine, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let compiled = catch_unwind(AssertUnwindSafe(|| translate(wasm, bytes)));
    compiled
        .unwrap_or_else(|panic| Err(format!("makes the compiler panic: {}; build it again", words(&*panic))))
}

fn translate(wasm: &wasmtime::Engine, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let componentized;
    let component = if bytes.starts_with(COMPONENT) {
        bytes
    } else if bytes.starts_with(CORE_MODULE) {
        // Whole and valid first: what makes it a component panics on a file that was cut off.
        let valid = wasmtime::Module::validate(wasm, bytes).map_err(|error| format!("{error:#}"));
        componentized = valid.and_then(|()| componentize(bytes)).map_err(|e| {
            format!("is a core module that can't be made a component: {e}; build it with a tidemill SDK or wit-bindgen")
        })?;
        &componentized
    } else {
        return Err("isn't WebAssembly; build the plugin, for example with `tidemill build`".to_owned());
    };
    wasm.precompile_component(component)
        .map_err(|error| format!("isn't a component that can be compiled: {error:#}; build it again"))
}

/// A component from a core module that carries its WIT in a custom section, as wit-bindgen leaves it.
fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| format!("{error:#}"))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
