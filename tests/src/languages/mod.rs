//! Plugins in other languages than Rust, and how projects of them are made, built and tried out.

mod cases;
pub mod commands;
mod docs;
mod inverses;
mod migrations;
mod projects;
mod sdks;
