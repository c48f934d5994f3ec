//! Runs pipelines as users do, and looks at what comes out of them: a scenario a module.
//!
//! Most run the real program on a manifest in a folder of their own; what needs its own clock or code uses the
//! library. `support` has what they share. Nothing here sleeps to let something happen: a test waits for what
//! it expects, and fails when that has not come within a generous time.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

mod live_word_count;
mod directory;
mod determinism;
mod models;
mod pure_calls;
mod operators;
mod keyed_operators;
mod checkpoints;
mod crashes;
mod sinks;
mod initial_states;
mod inverse_windows;
mod cogroups;
mod whole_batches;
mod last_windows;
mod hot_swap;
mod control;
mod bad_input;
mod bad_manifests;
mod dead_letters;
mod hostile;
mod misbehaving_plugins;
mod poison;
mod plugin_interfaces;
mod plugin_talk;
mod metrics;
mod stopping;
mod rates;
mod workers;
mod examples;
mod languages;
mod library;
mod contexts;
mod in_the_program;
mod conformance;
mod compile_cache;
mod compiling;
mod fuzz;
