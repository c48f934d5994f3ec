//! The description of a pipeline, and the TOML text that it is read from.
//!
//! Text comes in, a `Pipeline` goes out: sources, operators and sinks by their options, nothing opened yet. What
//! is wrong comes out as one `Fault`: where, what, and what to do. Faults found later name their place in the
//! same way, so that the manifest can put a line to them. Knows nothing of threads, plans or Wasm.

mod read;
mod environment;
mod lines;
mod outline;
mod tables;
mod item;
mod kinds;
mod words;
mod pipeline;
mod graph;
mod check;
mod fault;

pub use check::check_graph;
pub use fault::{Fault, Located, ManifestError, Place};
pub use graph::NodeRef;
pub use outline::Outline;
pub use pipeline::{
    DEFAULT_PARTITIONS, DeadLetterSpec, MAX_PARTITIONS, MAX_WORKERS, Output, Pipeline, PluginSource, Stream,
};
pub use read::Manifest;

#[cfg(test)]
mod tests;
