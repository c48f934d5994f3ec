//! The three senders, each on a thread of its own, until they are told to end.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, ensure};

use crate::record::{Origin, Record};

/// How many records a sender sends at a time, and how long it waits after that.
const GROUP: u64 = 40;
const PAUSE: Duration = Duration::from_millis(10);

/// How many records a file has, and how long it is from one to the next.
const FILE_RECORDS: u64 = 200;
const FILE_PAUSE: Duration = Duration::from_millis(60);

/// After this time nobody looks at a file any more.
const OLD: Duration = Duration::from_secs(180);

/// What is longer than this is no pause of a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The senders that know of no runs.
pub struct Feed {
    ends: Arc<AtomicBool>,
    frames: JoinHandle<Result<u64>>,
    files: JoinHandle<Result<u64>>,
}

/// How many frames and how many records in files were sent.
pub struct Sent {
    pub frames: u64,
    pub files: u64,
}

impl Feed {
    /// Sends frames to the port `frames`, and moves files into `input`.
    pub fn start(frames: u16, input: PathBuf) -> Self {
        let ends = Arc::<AtomicBool>::default();
        let (end_frames, end_files) = (Arc::clone(&ends), Arc::clone(&ends));
        Self {
            frames: std::thread::spawn(move || send_frames(frames, &end_frames)),
            files: std::thread::spawn(move || move_in(&input, &end_files)),
            ends,
        }
    }

    /// Sends no more, and waits until all frames are safe. A sender that failed says why at once.
    pub fn finish(self) -> Result<Sent> {
        self.ends.store(true, Ordering::SeqCst);
        let frames = self.frames.join().map_err(panicked)??;
        let files = self.files.join().map_err(panicked)??;
        Ok(Sent { frames, files })
    }

    /// Whether a sender has failed.
    pub fn has_ended(&self) -> bool {
        self.frames.is_finished() || self.files.is_finished()
    }
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> anyhow::Error {
    anyhow!("a sender panicked")
}

/// The sender of lines to one run of the program.
pub struct Lines {
    pub address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Result<RangeInclusive<u64>>>,
}

impl Lines {
    /// Sends lines with numbers from `first` on to whoever connects.
    pub fn start(first: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
        let (address, ends) = (listener.local_addr()?, Arc::<AtomicBool>::default());
        let end = Arc::clone(&ends);
        let thread = std::thread::spawn(move || send_lines(&listener, first, &end));
        Ok(Self { address, ends, thread })
    }

    /// Sends no more. Answers which numbers were sent; more of them than the program was there to read, where it was killed.
    pub fn finish(self) -> Result<RangeInclusive<u64>> {
        self.ends.store(true, Ordering::SeqCst);
        self.thread.join().map_err(panicked)?
    }
}

/// Answers the last number that was sent, once it is safe.
fn send_frames(port: u16, ends: &AtomicBool) -> Result<u64> {
    let (mut last, mut safe) = (0, 0);
    loop {
        // The program is down, or not up yet.
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Err(_) => sleep(PAUSE),
            Ok(mut stream) => match send_on(&mut stream, &mut last, &mut safe, ends) {
                // Connections end; that is what this is about.
                Err(error) if !error.is::<std::io::Error>() => return Err(error),
                _ => {}
            },
        }
        if ends.load(Ordering::SeqCst) && safe == last {
            return Ok(last);
        }
    }
}

fn send_on(stream: &mut TcpStream, last: &mut u64, safe: &mut u64, ends: &AtomicBool) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"TMF1\0\x05chaos")?;
    hear(stream, safe)?;
    loop {
        let sent = *safe;
        // What was sent before a break is sent again even at the end, for nobody knows what became of it.
        let is_end = ends.load(Ordering::SeqCst);
        let until = if is_end { (*last).min(sent + GROUP) } else { sent + GROUP };
        if sent >= until {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for number in sent + 1..=until {
            let payload = Record { origin: Origin::Frames, number }.line();
            bytes.extend((payload.len() as u32).to_be_bytes());
            bytes.extend(number.to_be_bytes());
            bytes.extend(payload.as_bytes());
        }
        *last = (*last).max(until);
        stream.write_all(&bytes)?;
        while *safe < until {
            hear(stream, safe)?;
        }
        sleep(PAUSE);
    }
}

/// Hears up to which number everything is safe.
fn hear(stream: &mut TcpStream, safe: &mut u64) -> Result<()> {
    let mut answer = [0; 8];
    stream.read_exact(&mut answer)?;
    let told = u64::from_be_bytes(answer);
    ensure!(told >= *safe, "frame {safe} was safe, and then only {told}");
    *safe = told;
    Ok(())
}

/// Answers the last number that was sent.
fn move_in(input: &Path, ends: &AtomicBool) -> Result<u64> {
    let (mut last, mut number_of_file) = (0, 0_u64);
    while !ends.load(Ordering::SeqCst) {
        let numbers = last + 1..=last + FILE_RECORDS;
        let lines = numbers.map(|number| Record { origin: Origin::Files, number }.line() + "\n");
        let (aside, name) = (input.join(".aside"), input.join(format!("{number_of_file}.csv")));
        fs::write(&aside, lines.collect::<String>()).context("cannot write a file")?;
        fs::rename(&aside, name).context("cannot move a file in")?;
        last += FILE_RECORDS;
        number_of_file += 1;
        if number_of_file.is_multiple_of(100) {
            remove_old(input)?;
        }
        sleep(FILE_PAUSE);
    }
    Ok(last)
}

fn remove_old(input: &Path) -> Result<()> {
    for entry in fs::read_dir(input)? {
        let entry = entry?;
        let age = SystemTime::now().duration_since(entry.metadata()?.modified()?).unwrap_or_default();
        if age > OLD {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn send_lines(listener: &TcpListener, first: u64, ends: &AtomicBool) -> Result<RangeInclusive<u64>> {
    listener.set_nonblocking(true)?;
    let mut last = first - 1;
    let is_end = || ends.load(Ordering::SeqCst);
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock && !is_end() => sleep(PAUSE),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(first..=last),
            Err(error) => return Err(error.into()),
        }
    };
    stream.set_nonblocking(false)?;
    while !is_end() {
        let lines = last + 1..=last + GROUP;
        last += GROUP;
        let lines = lines.map(|number| Record { origin: Origin::Lines, number }.line() + "\n");
        // The program was killed.
        if (&stream).write_all(lines.collect::<String>().as_bytes()).is_err() {
            break;
        }
        sleep(PAUSE);
    }
    Ok(first..=last)
}

/// A port where nobody listens, and none that the system gives to connections.
pub fn free_port() -> Result<u16> {
    let first = 28_000 + (std::process::id() % 400) as u16 * 10;
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (first..32_700).find(is_free).context("there is no free port")
}
