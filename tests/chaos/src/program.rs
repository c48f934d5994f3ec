//! The program as a child process: started, watched by its log, killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result};

/// How to start it.
#[derive(Clone, Debug)]
pub struct Launch {
    pub program: PathBuf,
    pub manifest: PathBuf,
    pub cache: Option<PathBuf>,
}

/// What it has said.
#[derive(Debug, Default)]
pub struct Said {
    /// How many records of each source it has logged.
    pub logged: BTreeMap<String, u64>,
    pub is_running: bool,
    /// What it said but for that.
    pub log: Vec<String>,
}

/// A program that runs. It dies with this.
pub struct Program {
    child: Child,
    said: Arc<Mutex<Said>>,
    reader: Option<JoinHandle<()>>,
}

impl Program {
    /// Starts it; it is to read lines at the address `lines`.
    pub fn start(launch: &Launch, lines: SocketAddr) -> Result<Self> {
        let mut command = Command::new(&launch.program);
        command
            .arg("run")
            .arg(&launch.manifest)
            .args(["--log-level", "debug"])
            .env("LINES", lines.to_string());
        if let Some(cache) = &launch.cache {
            command.env("TIDEMILL_CACHE", cache);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("cannot start {}", launch.program.display()))?;
        let stderr = child.stderr.take().context("it has no standard error")?;
        let said = Arc::<Mutex<Said>>::default();
        let heard = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                locked(&heard).hear(&String::from_utf8_lossy(&line));
            }
        });
        Ok(Self { child, said, reader: Some(reader) })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn said(&self) -> MutexGuard<'_, Said> {
        locked(&self.said)
    }

    /// How it ended, where it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Kills it as a crash would. All that it said is heard then.
    pub fn kill(mut self) -> Result<Said> {
        self.child.kill()?;
        self.end()
    }

    /// Asks it to end.
    pub fn ask_to_end(&self) -> Result<()> {
        let id = self.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().context("cannot send a signal")?;
        Ok(())
    }

    /// Waits for its end.
    pub fn end(mut self) -> Result<Said> {
        self.child.wait()?;
        if let Some(reader) = self.reader.take() {
            // It reads to the end of what the process wrote.
            let _ = reader.join();
        }
        Ok(std::mem::take(&mut *self.said()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn locked(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many lines of its log are kept.
const KEPT_LINES: usize = 200;

impl Said {
    fn hear(&mut self, line: &str) {
        if let Some((_, fields)) = line.split_once("logged what was received") {
            let field = |name: &str| {
                let value = fields.split_whitespace().find_map(|field| field.strip_prefix(name));
                value.map(|value| value.trim_matches('"').to_owned())
            };
            if let (Some(source), Some(rows)) = (field("source="), field("rows=")) {
                *self.logged.entry(source).or_default() += rows.parse::<u64>().unwrap_or(0);
                return;
            }
        }
        self.is_running |= line.contains(" running ");
        if !line.contains("DEBUG") {
            self.log.push(line.to_owned());
            let excess = self.log.len().saturating_sub(KEPT_LINES);
            self.log.drain(..excess);
        }
    }

    /// The end of its log, for whoever has to find out what went wrong.
    pub fn tail(&self) -> String {
        let start = self.log.len().saturating_sub(20);
        self.log.get(start..).unwrap_or_default().join("\n")
    }
}

/// The memory of the process `id`, in bytes; none where it isn't there any more.
pub fn memory(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// How much room the files below `folder` take, in bytes. What disappears meanwhile takes none.
pub fn room(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => room(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    };
    entries.map(of).sum()
}
