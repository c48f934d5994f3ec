//! A sender of framed records that goes on after each broken connection, as senders have to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

/// How many frames are sent at a time, and how long it waits after each time.
const GROUP: u64 = 20;
const PAUSE: Duration = Duration::from_millis(3);

/// Sends frames with the numbers 1, 2, … until it is told to end.
pub struct FramedSender {
    safe: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl FramedSender {
    /// Sends to `port`, under the name `test`, in each frame what `payload` makes of its number.
    pub fn start(port: u16, payload: fn(u64) -> String) -> Self {
        let (safe, ends) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let sender = Sender { port, payload, safe: Arc::clone(&safe), ends: Arc::clone(&ends) };
        Self { safe, ends, thread: std::thread::spawn(move || sender.run()) }
    }

    /// Up to which number everything is safe, as far as it was told.
    pub fn safe(&self) -> u64 {
        self.safe.load(Ordering::SeqCst)
    }

    /// Sends no more, and waits until all that it sent is safe. Answers the last number.
    pub fn finish(self) -> u64 {
        self.ends.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

struct Sender {
    port: u16,
    payload: fn(u64) -> String,
    safe: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
}

impl Sender {
    fn run(&self) -> u64 {
        let mut last = 0;
        loop {
            // The program is down, or not up yet.
            match TcpStream::connect(("127.0.0.1", self.port)) {
                // However it ended, what isn't safe is sent again.
                Ok(stream) => self.send(stream, &mut last).unwrap_or_default(),
                Err(_) => sleep(PAUSE),
            }
            if self.ends.load(Ordering::SeqCst) && self.safe.load(Ordering::SeqCst) == last {
                return last;
            }
        }
    }

    /// Sends to the end, or until the connection breaks. The highest number that was ever sent is `last`.
    fn send(&self, mut stream: TcpStream, last: &mut u64) -> std::io::Result<()> {
        stream.set_read_timeout(Some(super::PATIENCE))?;
        stream.write_all(b"TMF1\0\x04test")?;
        let mut sent = self.answer(&mut stream)?;
        loop {
            let ends = self.ends.load(Ordering::SeqCst);
            // What was sent before a break is sent again even at the end, for nobody knows what became of it.
            let until = if ends { (*last).min(sent + GROUP) } else { sent + GROUP };
            if sent >= until {
                return Ok(());
            }
            let mut frames = Vec::new();
            for number in sent + 1..=until {
                let payload = (self.payload)(number);
                frames.extend((payload.len() as u32).to_be_bytes());
                frames.extend(number.to_be_bytes());
                frames.extend(payload.as_bytes());
            }
            *last = (*last).max(until);
            stream.write_all(&frames)?;
            sent = until;
            while self.answer(&mut stream)? < until {}
            sleep(PAUSE);
        }
    }

    fn answer(&self, stream: &mut TcpStream) -> std::io::Result<u64> {
        let mut answer = [0; 8];
        stream.read_exact(&mut answer)?;
        let safe = u64::from_be_bytes(answer);
        assert!(safe >= self.safe.swap(safe, Ordering::SeqCst), "what was safe is safe no more");
        Ok(safe)
    }
}
