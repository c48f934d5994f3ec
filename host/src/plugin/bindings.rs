//! What `wit/` says, as Rust: generated types and calls, used by this folder alone.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package tidemill:host;
        world every {
            import tidemill:plugin/host@0.1.0;
            export tidemill:plugin/transform@0.1.0;
            export tidemill:plugin/reduce@0.1.0;
            export tidemill:plugin/inverse@0.1.0;
            export tidemill:plugin/aggregate@0.1.0;
            export tidemill:plugin/cogroup@0.1.0;
            export tidemill:plugin/update-state@0.1.0;
            export tidemill:plugin/migrate-state@0.1.0;
        }
    ",
    world: "tidemill:host/every",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use self::exports::tidemill::plugin::{
    aggregate, cogroup, inverse, migrate_state, reduce, transform, update_state,
};
pub use self::tidemill::plugin::{host, types};
