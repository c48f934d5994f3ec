//! Machine code into this process: the one place where it becomes something that runs.

use wasmtime::component::Component;

/// Loads code that this host or a process of its own has compiled; the caller knows that it has.
#[expect(
    unsafe_code,
    reason = "compiled code is run as it is; it comes from our own compiler, or from the cache, which authenticates it"
)]
pub(super) fn load(wasm: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is what `Engine::precompile_component` made of Wasm: in this process; or in a process of our own
    // program, from which it came through a pipe that nobody else has; or before, kept in a file with a keyed hash
    // that `Cache` has checked. wasmtime itself refuses code of another version or configuration.
    unsafe { Component::deserialize(wasm, code) }
}
