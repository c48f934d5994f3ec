//! Tidemill: a stream processor whose operators are WebAssembly components.
//!
//! The modules stand in the order data flows; each may use those before it and never those after.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod disk;
pub mod failpoint;
mod id;
mod link;
pub mod record;
pub mod metrics;
pub mod plugin;
pub mod dead_letters;
pub mod source;
pub mod batch;
pub mod partition;
pub mod state;
pub mod operator;
pub mod sink;
pub mod checkpoint;
pub mod schedule;
pub mod manifest;
pub mod plan;
pub mod context;
pub mod control;
pub mod project;
pub mod cli;
