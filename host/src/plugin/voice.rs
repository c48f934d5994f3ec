//! What a guest says: log lines, standard output and standard error, as lines of the host's log.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::caller::Caller;
use crate::record::BatchTime;

/// How much a line matters.
pub(super) use tracing::Level;

/// What a guest may write to a stream at a time.
const WRITE_BYTES: usize = 64 << 10;
/// How many of the last lines go with an error.
const LAST_LINES: usize = 4;

/// The voice of one instance.
#[derive(Clone)]
pub(super) struct Voice {
    state: Arc<Mutex<State>>,
    /// The longest line that is logged, in bytes.
    line_bytes: usize,
}

struct State {
    caller: Arc<Caller>,
    batch: Option<BatchTime>,
    last: Vec<String>,
}

impl Voice {
    pub(super) fn new(caller: Arc<Caller>) -> Self {
        let line_bytes = caller.limits.log_line.as_usize();
        Self { state: Arc::new(Mutex::new(State { caller, batch: None, last: Vec::new() })), line_bytes }
    }

    /// A call for the batch `batch` begins: what was said in earlier ones has nothing to do with its errors.
    pub(super) fn begin(&self, batch: BatchTime) {
        self.with(|state| {
            state.batch = Some(batch);
            state.last.clear();
        });
    }

    /// Logs a line, or counts it as dropped.
    pub(super) fn say(&self, level: Level, line: &str) {
        let line = one_line(cut(line.trim_end(), self.line_bytes));
        self.with(|state| state.say(level, &line));
    }

    /// The warnings and errors of the current call, to go with its failure.
    pub(super) fn last_words(&self) -> Option<String> {
        self.with(|state| (!state.last.is_empty()).then(|| state.last.join("; ")))
    }

    /// A stream whose lines are said at `level`.
    pub(super) fn line_writer(&self, level: Level) -> LineWriter {
        LineWriter { voice: self.clone(), level, line: Vec::new() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn say(&mut self, level: Level, line: &str) {
        if level <= Level::WARN && self.last.len() < LAST_LINES {
            self.last.push(line.to_owned());
        }
        self.caller.log(level, self.batch, line);
    }
}

/// `line` up to `most` bytes, at a character's end.
fn cut(line: &str, most: usize) -> &str {
    line.get(..line.floor_char_boundary(most)).unwrap_or(line)
}

/// `line` without line ends: what a guest says is one line of the log, whatever it says.
pub(super) fn one_line(line: &str) -> Cow<'_, str> {
    match line.contains(['\n', '\r']) {
        true => line.replace("\r\n", " ").replace(['\n', '\r'], " ").into(),
        false => line.into(),
    }
}

/// A guest's standard output or standard error.
#[derive(Clone)]
pub(super) struct LineWriter {
    voice: Voice,
    level: Level,
    line: Vec<u8>,
}

impl LineWriter {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = self.voice.line_bytes.saturating_sub(self.line.len()).min(piece.len());
            self.line.extend_from_slice(piece.get(..room).unwrap_or_default());
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        // Some write a line and its end apart, and flush in between.
        if !line.trim_ascii_end().is_empty() {
            self.voice.say(self.level, &String::from_utf8_lossy(&line));
        }
    }
}

impl IsTerminal for LineWriter {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineWriter {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LineWriter {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.end_line();
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

#[async_trait]
impl Pollable for LineWriter {
    async fn ready(&mut self) {}
}

impl AsyncWrite for LineWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.end_line();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.end_line();
    }
}
