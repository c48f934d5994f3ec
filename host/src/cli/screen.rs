//! The terminal, which the live line shares with the log and with rows: whoever writes takes the line off first.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::live::LiveLine;
use crate::context::{BatchReport, Listener};
use crate::record::{BatchTime, Interval};

/// The live line, where one is shown.
#[derive(Clone, Default)]
pub struct Screen(Arc<Mutex<Option<LiveLine>>>);

impl Screen {
    /// Shows a live line from now on, where standard error is a terminal.
    pub fn show(&self, interval: Interval) {
        self.with(|line| *line = Some(LiveLine::on_stderr(interval)));
    }

    /// Takes the line off, for good.
    pub fn clear(&self) {
        self.with(|line| *line = None);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<LiveLine>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps the line up to date with batches.
pub struct LiveListener {
    screen: Screen,
    /// Whether rows go to the terminal too.
    shares: bool,
}

impl LiveListener {
    /// Listens for `screen`. `prints` says whether a sink writes to standard output.
    pub fn new(screen: &Screen, prints: bool) -> Self {
        Self { screen: screen.clone(), shares: prints && io::stdout().is_terminal() }
    }
}

impl Listener for LiveListener {
    fn output_started(&mut self, _: BatchTime, _: &str) {
        if self.shares {
            self.screen.with(|line| line.as_mut().into_iter().for_each(LiveLine::clear));
        }
    }

    fn batch_completed(&mut self, report: &BatchReport) {
        self.screen.with(|line| line.as_mut().into_iter().for_each(|line| line.update(report)));
    }
}

/// Standard error for the log.
pub struct LogWriter(Screen);

impl LogWriter {
    /// Beside the live line of `screen`.
    pub fn new(screen: &Screen) -> Self {
        Self(screen.clone())
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.with(|line| {
            line.as_mut().into_iter().for_each(LiveLine::clear);
            io::stderr().write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
