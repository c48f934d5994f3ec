//! The host's side of a compiling process: starts it, feeds it, and ends it at its deadline.
//!
//! Whatever becomes of it, it is gone when this returns.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{Builder, Scope};

use super::super::error::Limit;
use super::super::instance::bounded;
use super::super::limits::Limits;
use super::CompileError;
use super::child::{MAX_THREADS, REFUSED};

/// The most of its standard error that is read.
const WORDS_BYTES: u64 = 64 << 10;
/// How the last words of a Rust program begin that got no memory.
const NO_MEMORY: &str = "memory allocation of ";
/// Signals that end it: from outside; when its processor time is used up.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// The code of the component or core module in `bytes`, compiled in a process of `program`.
pub(super) fn compile(program: &Path, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, CompileError> {
    let cannot_start = |error: io::Error| {
        CompileError::Host(format!(
            "cannot start {} to compile plugins: {error}; look at the limits of processes and memory",
            program.display()
        ))
    };
    let mut process = Process(command(program, limits).spawn().map_err(cannot_start)?);
    let ended = std::thread::scope(|scope| {
        let ended = talk(scope, &mut process.0, bytes, limits);
        if !matches!(ended, Ok(Some(_))) {
            // Ends the threads too, which read from it and write to it.
            let _ = process.0.kill();
        }
        ended
    });
    let Some((code, words)) = ended.map_err(cannot_start)? else {
        return Err(CompileError::Limit(Limit::CompileTime(limits.compile_time)));
    };
    let status = process.0.wait().map_err(cannot_start)?;
    if status.success() { Ok(code) } else { Err(explain(status, &words, limits)) }
}

fn command(program: &Path, limits: &Limits) -> Command {
    let cpu_seconds = (limits.compile_time.as_secs() + 1).saturating_mul(MAX_THREADS as u64);
    let mut command = Command::new(program);
    command
        .arg0("tidemill")
        .arg("compile-plugin")
        .args(["--memory", &limits.compile_memory.0.to_string()])
        .args(["--cpu-seconds", &cpu_seconds.to_string()])
        // Else its allocator takes a gigabyte at its start, which hides what the plugin takes.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        // Without memory there is none to walk the stack with.
        .env("RUST_BACKTRACE", "0")
        // Out of reach of Ctrl-C, which is the host's to hear.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Gives `child` the plugin, and answers what it wrote to its two outputs when it closed them; none where that took
/// too long.
fn talk<'scope>(
    scope: &'scope Scope<'scope, '_>,
    child: &mut Child,
    bytes: &'scope [u8],
    limits: &Limits,
) -> io::Result<Option<(Vec<u8>, String)>> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let thread = |name: &str| Builder::new().name(name.to_owned());
    thread("plugin-in").spawn_scoped(scope, move || {
        // Fails where it has ended, which its outputs tell.
        stdin.map(|mut stdin| stdin.write_all(bytes))
    })?;
    let (sender, receiver) = channel();
    let most = limits.compile_memory.0;
    let words = thread("plugin-words").spawn_scoped(scope, move || read(stderr, WORDS_BYTES))?;
    thread("plugin-out").spawn_scoped(scope, move || {
        let code = read(stdout, most);
        let words = words.join().unwrap_or_default();
        let _ = sender.send((code, String::from_utf8_lossy(&words).into_owned()));
    })?;
    match receiver.recv_timeout(limits.compile_time) {
        Ok(written) => Ok(Some(written)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("its output was lost")),
    }
}

/// What `pipe` gives until its end, of which the first `most` bytes are kept.
fn read(pipe: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What failed shows in how the process ended, or in code that can't be loaded.
        let _ = pipe.by_ref().take(most).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
    }
    bytes
}

fn explain(status: ExitStatus, words: &str, limits: &Limits) -> CompileError {
    let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    match (status.code(), status.signal()) {
        (Some(code), _) if code == i32::from(REFUSED) => CompileError::Refused(bounded(words)),
        (_, Some(SIGXCPU)) => CompileError::Limit(Limit::CompileTime(limits.compile_time)),
        _ if words.contains(NO_MEMORY) => CompileError::Limit(Limit::CompileMemory(limits.compile_memory)),
        (_, Some(SIGKILL)) => CompileError::Host(
            "the process that compiled it was killed from outside; see whether the machine has run out of memory, and start again"
                .to_owned(),
        ),
        _ => CompileError::Refused(format!("ends the compiler with {status} ({}); build it again", bounded(last))),
    }
}

/// A process that doesn't outlive its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both do nothing where it was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::LimitsSpec;

    #[test]
    fn ends_are_told_apart() {
        let limits = Limits::new(&LimitsSpec::default(), 0).unwrap();
        let explained = |raw: i32, words: &str| explain(ExitStatus::from_raw(raw), words, &limits);
        let refused = |text: &str| CompileError::Refused(text.to_owned());
        assert_eq!(explained(i32::from(REFUSED) << 8, "isn't\nright"), refused("isn't right"));
        assert_eq!(explained(SIGXCPU, ""), CompileError::Limit(Limit::CompileTime(limits.compile_time)));
        assert_eq!(
            explained(6, "memory allocation of 4096 bytes failed\n"),
            CompileError::Limit(Limit::CompileMemory(limits.compile_memory))
        );
        assert!(matches!(explained(SIGKILL, ""), CompileError::Host(_)));
        let overflow = "\nthread 'main' has overflowed its stack\nfatal runtime error: stack overflow\n";
        let expected = "ends the compiler with signal: 6 (SIGABRT) (fatal runtime error: stack overflow); build it again";
        assert_eq!(explained(6, overflow), refused(expected));
    }
}
