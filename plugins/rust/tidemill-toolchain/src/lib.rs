//! What compiles Rust plugins on this machine, and how long commands show what they do.
//!
//! `cargo xtask` builds the plugins of the repository with it, `tidemill build` those of a project anywhere.

pub mod apt;
pub mod step;

mod guest;

pub use guest::{Guest, TARGET};
