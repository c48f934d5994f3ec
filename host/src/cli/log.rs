//! The log: to standard error, as text or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;

use super::args::{LogFormat, LogLevel};
use super::screen::{LogWriter, Screen};

/// Logs from now on. A second call changes nothing.
pub(super) fn init(format: LogFormat, level: LogLevel, screen: &Screen) {
    let screen = screen.clone();
    let builder = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from(level))
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(move || LogWriter::new(&screen));
    // Fails where a log is there already, which then stays.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
