//! The contract in `wit/`, as wit-bindgen turns it into Rust. Nothing else in this crate names it.
//!
//! Each world is generated once; `types` and `host` come from the first, so that a batch is one Rust
//! type whatever the kind of plugin. The worlds' exports, and the section that says which world a
//! module belongs to, are emitted only where a plugin calls the export macro.

#![allow(missing_docs, unsafe_code, clippy::all, reason = "generated; the texts are those of the WIT files")]

/// The world of `map`, `filter` and `flat_map`.
pub mod transformer {
    wit_bindgen::generate!({
        world: "transformer",
        path: "../../../wit",
        pub_export_macro: true,
        export_macro_name: "__export_transformer",
        default_bindings_module: "tidemill_plugin::__private::transformer",
        additional_derives: [PartialEq],
    });
}

/// The world of `reduce`.
pub mod reducer {
    wit_bindgen::generate!({
        world: "reducer",
        path: "../../../wit",
        pub_export_macro: true,
        export_macro_name: "__export_reducer",
        default_bindings_module: "tidemill_plugin::__private::reducer",
        with: {
            "tidemill:plugin/types@0.1.0": super::transformer::tidemill::plugin::types,
            "tidemill:plugin/host@0.1.0": super::transformer::tidemill::plugin::host,
        },
    });
}

pub use transformer::exports::tidemill::plugin::transform::{Output, Plan};
pub use transformer::tidemill::plugin::host;
pub use transformer::tidemill::plugin::types::{
    Batch, Column, DataType, Field, Reject as RejectedRow, Values, Varlen,
};
