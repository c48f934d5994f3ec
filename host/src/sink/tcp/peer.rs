//! The receiver at the other end: connected to again and again, sent whole batches, listened to.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::link::{CONNECT_TIMEOUT, Link};
use crate::sink::SinkError;

/// The receiver of a sink's rows.
pub(super) struct Peer {
    link: Link,
    address: String,
    /// What each connection begins with.
    greeting: Vec<u8>,
    /// Whether it answers how many lines it has taken.
    answers: bool,
    connection: Option<Connection>,
}

struct Connection {
    stream: TcpStream,
    /// Line feeds that were sent on it.
    num_sent: u64,
    heard: Heard,
}

/// What the receiver answered on one connection.
#[derive(Debug, Default)]
struct Heard {
    /// How many line feeds it has taken.
    num_taken: u64,
    /// The number that has no line end yet.
    rest: Vec<u8>,
}

impl Peer {
    /// At `address`; nothing is tried so far.
    pub(super) fn new(link: Link, address: String, greeting: Vec<u8>, answers: bool) -> Self {
        Self { link, address, greeting, answers, connection: None }
    }

    /// Sends `bytes`, as often as it takes.
    pub(super) async fn deliver(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        loop {
            match self.try_deliver(bytes).await {
                Ok(()) => {
                    self.link.served();
                    return Ok(());
                }
                Err(error) => {
                    match self.connection.take() {
                        Some(_) => self.link.lost(&error),
                        None => self.link.refused(&error),
                    }
                    sleep(self.link.next_pause()).await;
                }
            }
        }
    }

    async fn try_deliver(&mut self, bytes: &[u8]) -> io::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.address)).await;
                let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
                stream.set_nodelay(true)?;
                self.link.connected();
                let new = Connection { stream, num_sent: 0, heard: Heard::default() };
                let connection = self.connection.insert(new);
                if !self.greeting.is_empty() {
                    connection.send(&self.greeting, self.answers).await?;
                }
                connection
            }
        };
        connection.send(bytes, self.answers).await
    }

    /// Says that nothing more comes.
    pub(super) async fn close(&mut self) -> Result<(), SinkError> {
        if let Some(mut connection) = self.connection.take() {
            // What was sent is with the system, which sends it on whatever becomes of this.
            let _ = connection.stream.shutdown().await;
        }
        Ok(())
    }
}

impl Connection {
    /// Sends `bytes`, and where the receiver `answers` waits until it has taken them.
    async fn send(&mut self, bytes: &[u8], answers: bool) -> io::Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        self.num_sent += memchr::memchr_iter(b'\n', bytes).count() as u64;
        let write = async {
            // Lets the end of the connection be seen, which may have come long ago, before anything is sent in vain.
            yield_now().await;
            writer.write_all(bytes).await
        };
        if answers {
            // At the same time: a receiver that can't answer would stop reading.
            let (written, heard) = tokio::join!(write, self.heard.listen(&mut reader, Some(self.num_sent)));
            return heard.and(written);
        }
        tokio::select! {
            biased;
            ended = self.heard.listen(&mut reader, None) => ended,
            written = write => written,
        }
    }
}

impl Heard {
    /// Listens until `num_sent` line feeds are taken; where none is given, until the connection ends.
    async fn listen(&mut self, reader: &mut ReadHalf<'_>, num_sent: Option<u64>) -> io::Result<()> {
        let mut buffer = [0; 1024];
        while num_sent.is_none_or(|num_sent| self.num_taken < num_sent) {
            let num_read = reader.read(&mut buffer).await?;
            let read = buffer.get(..num_read).unwrap_or_default();
            if read.is_empty() {
                return Err(io::Error::other("closed by the peer"));
            }
            if let Some(num_sent) = num_sent {
                self.take(read, num_sent)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, read: &[u8], num_sent: u64) -> io::Result<()> {
        for &byte in read {
            if byte != b'\n' {
                self.rest.push(byte);
                if self.rest.len() > 32 {
                    return Err(misunderstood(&self.rest));
                }
                continue;
            }
            let text = str::from_utf8(&self.rest).unwrap_or_default().trim();
            let number = text.parse().ok().filter(|number| *number <= num_sent);
            self.num_taken = self.num_taken.max(number.ok_or_else(|| misunderstood(&self.rest))?);
            self.rest.clear();
        }
        Ok(())
    }
}

fn misunderstood(answer: &[u8]) -> io::Error {
    let answer = String::from_utf8_lossy(answer);
    io::Error::other(format!("it answered `{answer}`, which is not how many lines it has taken"))
}
