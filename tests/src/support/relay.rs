//! A way to a server on which nobody hears that the client is gone, as where its machine lost power.

use std::io::copy;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::spawn;

/// Passes connections on to a port of this machine, and leaves them open there when clients end theirs.
pub struct Relay {
    port: u16,
    ends: Arc<AtomicBool>,
}

impl Relay {
    /// To the port `to`.
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (port, ends) = (listener.local_addr().unwrap().port(), Arc::<AtomicBool>::default());
        let end = Arc::clone(&ends);
        spawn(move || {
            for client in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                pass_on(client.unwrap(), TcpStream::connect((Ipv4Addr::LOCALHOST, to)).unwrap());
            }
        });
        Self { port, ends }
    }

    /// Where it listens on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // It waits for a client.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// What the client says ends silently. What the server says ends the connection, and until then it is open there.
fn pass_on(client: TcpStream, server: TcpStream) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    spawn(move || copy(&mut from_client, &mut to_server));
    let (mut from_server, mut to_client) = (server, client);
    spawn(move || copy(&mut from_server, &mut to_client));
}
