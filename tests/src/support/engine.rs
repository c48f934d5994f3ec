//! The engine that plugins are compiled and run with.

use tidemill::plugin::{Engine, EngineOptions};

use super::cache_folder;

/// An engine of its own, with the cache of compiled plugins that all tests share.
pub fn engine() -> Engine {
    Engine::new(&EngineOptions { cache: Some(cache_folder()), ..EngineOptions::default() }).unwrap()
}
