//! Serves the log of a made-up server over a socket: whoever connects hears it from its beginning.
//!
//! What the lines hold follows from the seed; when they are said follows from `--rate`.

mod request;

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;

use crate::request::Requests;

/// Serve lines of a log, a few of them broken, to one client after the other.
#[derive(Parser)]
struct Args {
    /// What decides every line
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many lines a client hears before the connection ends; without end where this isn't given
    #[arg(long)]
    rows: Option<usize>,
    /// How many lines a second; as fast as they are read where this isn't given
    #[arg(long)]
    rate: Option<NonZeroU32>,
    /// Leave after the first client
    #[arg(long)]
    once: bool,
    /// Where to listen; port 0 is any free one
    #[arg(default_value = "127.0.0.1:9999")]
    address: SocketAddr,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let listener =
        TcpListener::bind(args.address).with_context(|| format!("cannot listen on {}", args.address))?;
    println!("listening on {}", listener.local_addr()?);
    for client in listener.incoming() {
        match speak(client?, &args) {
            Err(error) if !is_gone(&error) => return Err(error.into()),
            // Whoever has heard enough goes.
            _ if args.once => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// Says all lines to `client`, so many at a time that there are some hundred turns a second at most.
fn speak(mut client: TcpStream, args: &Args) -> std::io::Result<()> {
    let start = Instant::now();
    let mut lines = Requests::new(args.seed).take(args.rows.unwrap_or(usize::MAX));
    let a_turn = args.rate.map_or(1000, |rate| rate.get().div_ceil(100));
    for turn in 1_u32.. {
        let text: String = lines.by_ref().take(a_turn as usize).collect();
        if text.is_empty() {
            break;
        }
        client.write_all(text.as_bytes())?;
        if let Some(rate) = args.rate {
            let due = Duration::from_secs(1).saturating_mul(a_turn).saturating_mul(turn) / rate.get();
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
    }
    Ok(())
}
