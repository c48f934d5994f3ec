//! Arbitrary input for whatever reads what others wrote: typed errors, no panic, no hang.
//!
//! Each test here goes through some cases that are always the same; `cargo xtask fuzz` goes through others for as
//! long as it is told.

mod calls;
mod cases;
mod decoding;
mod dice;
mod manifests;
mod plugins;
