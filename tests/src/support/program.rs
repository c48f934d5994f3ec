//! The real program as a child process: its output as it comes, its input, signals, and its end.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{PATIENCE, wait_until};

/// The file of the program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tidemill-under-test");

/// Where compiled plugins are kept: one folder for all tests, and never the user's.
pub fn cache_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache")
}

/// A program that runs. Dropping it kills it.
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Captured,
    stderr: Captured,
    started: Instant,
}

/// How a program ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; none where a signal killed it.
    pub code: Option<i32>,
    /// All that it printed.
    pub stdout: String,
    /// All that it logged.
    pub stderr: String,
    /// How long it ran.
    pub time: Duration,
}

impl Finished {
    /// The one line that begins with `error: `, without that.
    #[track_caller]
    pub fn error(&self) -> &str {
        let errors: Vec<&str> = self.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        assert_eq!(errors.len(), 1, "{}", self.stderr);
        assert!(self.stderr.ends_with(&format!("error: {}\n", errors[0])), "{}", self.stderr);
        errors[0]
    }

    /// How many lines of the log hold `text`.
    pub fn num_logged(&self, text: &str) -> usize {
        num_lines_with(&self.stderr, text)
    }
}

/// How many lines of `log` hold `text`.
fn num_lines_with(log: &str, text: &str) -> usize {
    log.lines().filter(|line| line.contains(text)).count()
}

impl Program {
    /// Starts it with `arguments`.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &cache_folder(), &[])
    }

    /// Starts it with `arguments` and another cache of compiled plugins than other tests.
    pub fn start_with_cache(arguments: &[&str], cache: &Path) -> Self {
        Self::start_with(arguments, cache, &[])
    }

    /// Starts it likewise, with more variables in its environment.
    pub fn start_with(arguments: &[&str], cache: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .env("TIDEMILL_CACHE", cache)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = (Captured::new(stdout.unwrap()), Captured::new(stderr.unwrap()));
        Self { child, stdin, stdout, stderr, started: Instant::now() }
    }

    /// Writes to its standard input, which stays open.
    pub fn write(&mut self, text: impl AsRef<[u8]>) {
        self.stdin.as_mut().unwrap().write_all(text.as_ref()).unwrap();
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has logged so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until what it has printed is as `is_enough` wants it.
    #[track_caller]
    pub fn wait_for_output(&self, is_enough: impl Fn(&str) -> bool) {
        let look = || {
            let text = self.stdout();
            is_enough(&text).then_some(())
        };
        self.wait("the output", look);
    }

    /// Waits until `times` lines of the log hold `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str, times: usize) {
        self.wait(text, || (num_lines_with(&self.stderr(), text) >= times).then_some(()));
    }

    #[track_caller]
    fn wait(&self, what: &str, look: impl FnMut() -> Option<()>) {
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait_until(what, look)));
        assert!(waited.is_ok(), "no {what}; printed:\n{}\nlogged:\n{}", self.stdout(), self.stderr());
    }

    /// Sends it the signal `name`, such as `INT`.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The most memory that it has had at a time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    /// Ends its input, and waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        self.await_end()
    }

    /// Waits for its end while its input stays open.
    #[track_caller]
    pub fn await_end(mut self) -> Finished {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not end; it logged:\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(2));
        };
        let time = self.started.elapsed();
        self.stdout.complete();
        self.stderr.complete();
        Finished { code: status.code(), stdout: self.stdout(), stderr: self.stderr(), time }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes through a pipe, kept by a thread of its own so that the program never waits for the test.
struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Captured {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let thread = std::thread::spawn({
            let bytes = Arc::clone(&bytes);
            move || {
                let mut buffer = [0; 8192];
                while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                    bytes.lock().unwrap().extend_from_slice(&buffer[..n]);
                }
            }
        });
        Self { bytes, thread: Some(thread) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn complete(&mut self) {
        self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}
