//! The host's log and metrics. In native builds, that is in tests, messages go to standard error and
//! counts nowhere.

#[cfg(target_family = "wasm")]
use crate::bindings::host;

pub use crate::bindings::host::Level;

/// Writes a line to the host's log, which adds the pipeline and the operator. Long lines are cut and
/// floods are dropped.
///
/// ```
/// use tidemill_plugin::{Level, log};
/// log(Level::Info, "the dictionary has 3 words");
/// ```
pub fn log(level: Level, message: impl AsRef<str>) {
    let message = message.as_ref();
    #[cfg(target_family = "wasm")]
    host::log(level, message);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// Adds to the counter `name` of this operator in the host's metrics.
pub fn count(name: &str, delta: u64) {
    #[cfg(target_family = "wasm")]
    host::count(name, delta);
    #[cfg(not(target_family = "wasm"))]
    let _ = (name, delta);
}

/// Sends the message of a panic to the log, before it becomes a trap that says nothing.
#[cfg(target_family = "wasm")]
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, panic.to_string())));
}
