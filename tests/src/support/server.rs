//! A TCP server that says what a test wants, as `nc -l` would.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

use super::{PATIENCE, wait_until};

/// A server on a free port of the loopback interface.
pub struct Server {
    listener: TcpListener,
}

/// The connection of one client.
pub struct Connection {
    stream: TcpStream,
}

impl Server {
    /// Listens on a port that nobody uses.
    pub fn start() -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// Listens on `address`, where another server was before.
    pub fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    /// A port where nobody listens, and none that the system gives to connections: whoever connects to one of these again
    /// and again meets itself there in the end.
    pub fn free_port() -> u16 {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        loop {
            // Other test programs begin elsewhere.
            let number = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add((std::process::id() as u16) << 5);
            let port = 12_000 + number % 16_000;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return port;
            }
        }
    }

    /// An address where nobody listens.
    pub fn nowhere() -> SocketAddr {
        Self::start().address()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Waits for a client.
    pub fn accept(&self) -> Connection {
        let (stream, _) = wait_until("a client", || self.listener.accept().ok());
        stream.set_nonblocking(false).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream }
    }
}

impl Connection {
    /// Sends `text`.
    pub fn send(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).unwrap();
    }

    /// Waits until the client has closed the connection.
    pub fn wait_until_closed(mut self) {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("the connection is still there: {other:?}"),
        }
    }

    /// Waits until the client has read all that was sent: until neither end's queue in the kernel holds any of it.
    pub fn wait_until_read(&self) {
        let (server, client) = (self.stream.local_addr().unwrap(), self.stream.peer_addr().unwrap());
        wait_until("the client to read what was sent", || {
            let table = fs::read_to_string("/proc/net/tcp").unwrap();
            let queue = |local: SocketAddr, remote: SocketAddr| {
                let ends = format!("{} {}", in_hex(local), in_hex(remote));
                let line = table.lines().find(|line| line.contains(&ends))?;
                line.split_whitespace().nth(4)?.split_once(':')
            };
            let (unsent, _) = queue(server, client)?;
            let (_, unread) = queue(client, server)?;
            (unsent == "00000000" && unread == "00000000").then_some(())
        });
    }
}

/// An address as `/proc/net/tcp` shows it: bytes as they lie in memory, read as numbers of this machine.
fn in_hex(address: SocketAddr) -> String {
    let SocketAddr::V4(address) = address else { panic!("tests use IPv4") };
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}
