//! Sends the lines of a file to a `framed` source: `framed-send ADDRESS NAME FILE`.
//!
//! A line's number in the file is its sequence number. So wherever the pipeline, this program or the connection between
//! them breaks, the next connection goes on behind the last line that is safe, and each line counts exactly once. The
//! protocol is told in `host/src/source/framed.rs`.

use std::env::args;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

/// How many lines are sent before the answer is waited for.
const GROUP: usize = 1000;

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    let [address, name, file] = arguments.as_slice() else {
        eprintln!("usage: framed-send ADDRESS NAME FILE");
        return ExitCode::from(2);
    };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("error: cannot read {file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let lines: Vec<&str> = text.lines().collect();
    while let Err(error) = send(address, name, &lines) {
        eprintln!("{error}; connecting again");
        sleep(PAUSE);
    }
    println!("{} lines are safe", lines.len());
    ExitCode::SUCCESS
}

/// Sends what isn't safe yet of `lines`, and returns when all of it is.
fn send(address: &str, name: &str, lines: &[&str]) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = u16::try_from(name.len()).map_err(io::Error::other)?;
    stream.write_all(&[b"TMF1", &length.to_be_bytes()[..], name.as_bytes()].concat())?;
    let mut safe = answer(&mut stream)?;
    while let Some(rest) = lines.get(safe..).filter(|rest| !rest.is_empty()) {
        let group = rest.len().min(GROUP);
        let mut frames = Vec::new();
        for (line, number) in rest.iter().take(group).zip(safe as u64 + 1..) {
            let length = u32::try_from(line.len()).map_err(io::Error::other)?;
            frames.extend(length.to_be_bytes());
            frames.extend(number.to_be_bytes());
            frames.extend(line.as_bytes());
        }
        stream.write_all(&frames)?;
        let until = safe + group;
        while safe < until {
            safe = answer(&mut stream)?;
        }
    }
    Ok(())
}

/// Up to which line everything is safe.
fn answer(stream: &mut TcpStream) -> io::Result<usize> {
    let mut answer = [0; 8];
    stream.read_exact(&mut answer)?;
    usize::try_from(u64::from_be_bytes(answer)).map_err(io::Error::other)
}
