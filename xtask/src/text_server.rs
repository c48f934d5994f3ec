//! A source of text for the quickstart: it says lines to whoever connects, as `nc -lk` would.
//!
//! The lines follow from the seed alone, so that every first run counts the same words. The threads end
//! with the process.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

const LINES_PER_TURN: usize = 20;
const TURN: Duration = Duration::from_millis(50);

/// Sentences about what the project is named after.
const SENTENCES: [&str; 16] = [
    "the tide comes in and the tide goes out",
    "the mill waits for the tide and the miller waits for the mill",
    "when the water turns the wheel turns and when the wheel turns the stones turn",
    "grain goes in at the top and flour comes out below",
    "no wheel asks the sea how much water there is",
    "a gate is shut at high water and the pond keeps what the tide brought",
    "what the pond keeps the wheel spends before the next tide",
    "the miller changes a stone while the others go on grinding",
    "a broken stone stops one pair and not the mill",
    "every sack is weighed once and written in the book",
    "the book says what came in and what went out",
    "if the light goes out at night the book is read again in the morning",
    "the sea is never late and never early",
    "small tides and great tides are ground by the same stones",
    "salt wind and slow water and a wheel that hums",
    "flour for the town and flour for the ships",
];

/// Starts the server on `port` of the loopback interface, or on any free one where that is taken, and
/// answers the address it listens on.
pub fn start(port: u16, seed: u64) -> Result<SocketAddr> {
    let listener = listen(port).context("cannot listen on the loopback interface")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that goes away ends its thread, and that is all that can go wrong.
            thread::spawn(move || speak(client, seed));
        }
    });
    Ok(address)
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)),
        other => other,
    }
}

fn speak(mut client: TcpStream, seed: u64) -> std::io::Result<()> {
    let mut lines = Lines { state: seed };
    loop {
        let turn: String = lines.by_ref().take(LINES_PER_TURN).flat_map(|line| [line, "\n"]).collect();
        client.write_all(turn.as_bytes())?;
        thread::sleep(TURN);
    }
}

/// Sentences in an order that follows from the seed.
struct Lines {
    state: u64,
}

impl Iterator for Lines {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        // A linear congruential generator: its high bits are random enough to mix sentences.
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        SENTENCES.get((self.state >> 60) as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn a_client_hears_the_same_lines_for_the_same_seed() -> Result<()> {
        let hear = |address| -> Result<Vec<String>> {
            let lines = BufReader::new(TcpStream::connect(address)?).lines();
            Ok(lines.take(50).collect::<Result<_, _>>()?)
        };
        let address = start(0, 7)?;
        let first = hear(address)?;
        assert_eq!(first, hear(address)?);
        assert!(first.iter().all(|line| SENTENCES.contains(&line.as_str())));
        Ok(())
    }

    #[test]
    fn a_port_that_is_taken_is_replaced() -> Result<()> {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = taken.local_addr()?.port();
        assert_ne!(start(port, 1)?.port(), port);
        Ok(())
    }
}
