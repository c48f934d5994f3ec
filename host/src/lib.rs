//! Tidemill: a stream processor whose operators are WebAssembly components.
//!
//! The modules stand in the order data flows; each may use those before it and never those after.

pub mod record;
pub mod plugin;
pub mod partition;



