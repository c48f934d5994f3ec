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

/// A world whose types and imports are those of `transformer`.
macro_rules! world {
    ($(#[$doc:meta])* $module:ident, $world:tt, $export:tt, $path:tt $(, inline: $inline:tt)?) => {
        $(#[$doc])*
        pub mod $module {
            wit_bindgen::generate!({
                $(inline: $inline,)?
                world: $world,
                path: "../../../wit",
                pub_export_macro: true,
                export_macro_name: $export,
                default_bindings_module: $path,
                with: {
                    "tidemill:plugin/types@0.1.0": super::transformer::tidemill::plugin::types,
                    "tidemill:plugin/host@0.1.0": super::transformer::tidemill::plugin::host,
                },
            });
        }
    };
}

world! {
    /// The world of `reduce`.
    reducer, "reducer", "__export_reducer", "tidemill_plugin::__private::reducer"
}

world! {
    /// What `invertible-reducer` has beside `reducer`. A module that exports both has their union as its world.
    inverter, "tidemill:parts/inverter", "__export_inverter", "tidemill_plugin::__private::inverter",
    inline: "
        package tidemill:parts;
        world inverter {
            import tidemill:plugin/host@0.1.0;
            export tidemill:plugin/inverse@0.1.0;
        }
    "
}

world! {
    /// The world of `aggregate`.
    aggregator, "aggregator", "__export_aggregator", "tidemill_plugin::__private::aggregator"
}

world! {
    /// The world of `update_state` and `map_with_state`.
    updater, "updater", "__export_updater", "tidemill_plugin::__private::updater"
}

world! {
    /// What `migrating-updater` has beside `updater`, likewise.
    migrator, "tidemill:parts/migrator", "__export_migrator", "tidemill_plugin::__private::migrator",
    inline: "
        package tidemill:parts;
        world migrator {
            import tidemill:plugin/host@0.1.0;
            export tidemill:plugin/migrate-state@0.1.0;
        }
    "
}

world! {
    /// The world of `cogroup`.
    cogrouper, "cogrouper", "__export_cogrouper", "tidemill_plugin::__private::cogrouper"
}

pub use aggregator::exports::tidemill::plugin::aggregate::Plan as AggregatePlan;
pub use cogrouper::exports::tidemill::plugin::cogroup::Output as CogroupOutput;
pub use transformer::exports::tidemill::plugin::transform::{Output, Plan};
pub use transformer::tidemill::plugin::host;
pub use transformer::tidemill::plugin::types::{
    Batch, Column, DataType, Field, Reject as RejectedRow, Values, Varlen,
};
pub use updater::exports::tidemill::plugin::update_state::{
    Input as UpdateInput, Output as UpdateOutput, Plan as UpdatePlan,
};
