//! Lines from a TCP connection that this side opens, as `nc host port` would.
//!
//! Connects, reads, and connects again with a growing pause when the peer refuses or goes away. Hands over
//! whatever lines are complete as soon as they are there. The log has a line a change of state, not a line an
//! attempt. Nothing read is dropped: on stop the lines at hand go out first.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::format::{DEFAULT_MAX_LINE, Encoding, Format};
use super::unpacker::{Place, Unpacker};
use super::{
    Extent, Opening, Outlet, Reader, Receiver, Recovery, Source, SourceError, Stop, check_max_rate, put_all,
};
use crate::link::{CONNECT_TIMEOUT, End, Link, has_port};
use crate::record::{Bytes, DeclaredSchema};

/// Reads lines from a TCP connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Socket {
    /// Where to connect to, `host:port`.
    pub address: String,
    /// What the lines hold.
    #[serde(default)]
    pub format: Format,
    /// The columns of csv and jsonl.
    pub schema: Option<DeclaredSchema>,
    /// What stands between the values of csv; a comma where none is given.
    pub separator: Option<char>,
    /// The longest line; longer ones become dead letters.
    #[serde(default = "default_max_line")]
    pub max_line: Bytes,
    /// The most rows a second to take; the sender waits.
    pub max_rate: Option<u64>,
    /// Whether what was received survives a crash.
    #[serde(default)]
    pub wal: bool,
}

fn default_max_line() -> Bytes {
    DEFAULT_MAX_LINE
}

impl Socket {
    /// Reads text from `address`; the fields hold the defaults of a manifest and may be set.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            format: Format::Text,
            schema: None,
            separator: None,
            max_line: DEFAULT_MAX_LINE,
            max_rate: None,
            wal: false,
        }
    }

    fn encoding(&self) -> Encoding {
        Encoding {
            format: self.format,
            schema: self.schema.clone(),
            header: false,
            separator: self.separator,
            max_line: self.max_line,
        }
    }
}

impl Source for Socket {
    fn kind(&self) -> &'static str {
        "socket"
    }

    fn schema(&self) -> SchemaRef {
        self.encoding().schema()
    }

    fn recovery(&self) -> Recovery {
        if self.wal { Recovery::Logged } else { Recovery::Lost }
    }

    fn is_logged(&self) -> bool {
        self.wal
    }

    fn max_rows_per_second(&self) -> Option<u64> {
        self.max_rate
    }

    fn check(&self) -> Result<(), SourceError> {
        self.encoding().check()?;
        check_max_rate(self.max_rate)?;
        if has_port(&self.address) {
            return Ok(());
        }
        let address = &self.address;
        Err(SourceError::Option(format!(
            "`address` must be host:port, for example \"127.0.0.1:9999\", not `{address}`"
        )))
    }

    fn open(&self, opening: &Opening) -> Result<Reader, SourceError> {
        self.check()?;
        Ok(Reader::Receiver(Box::new(Client {
            address: self.address.clone(),
            name: opening.name.clone(),
            encoding: self.encoding(),
            extent: opening.extent,
            link: Link::new(End::Source, &opening.name, &self.address),
        })))
    }
}

/// A socket that is being read.
struct Client {
    address: String,
    name: String,
    encoding: Encoding,
    extent: Extent,
    link: Link,
}

/// Why reading a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The peer closed it, or it broke.
    Lost,
    /// Nobody wants more.
    Stopped,
}

#[async_trait]
impl Receiver for Client {
    async fn run(mut self: Box<Self>, outlet: Arc<dyn Outlet>, mut stop: Stop) -> Result<(), SourceError> {
        loop {
            let stream = tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                stream = self.connect() => stream,
            };
            if let Some(stream) = stream {
                let ended = self.read(stream, &*outlet, &mut stop).await?;
                if ended == Ended::Stopped || self.extent == Extent::Available {
                    return Ok(());
                }
            }
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                () = sleep(self.link.next_pause()) => {}
            }
        }
    }
}

impl Client {
    async fn connect(&mut self) -> Option<TcpStream> {
        let attempt = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.address)).await;
        match attempt.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                self.link.connected();
                Some(stream)
            }
            Err(error) => {
                self.link.refused(&error);
                None
            }
        }
    }

    /// Hands over the lines of one connection. The half to write to stays open meanwhile.
    async fn read(
        &mut self,
        mut stream: TcpStream,
        outlet: &dyn Outlet,
        stop: &mut Stop,
    ) -> Result<Ended, SourceError> {
        let peer = stream.peer_addr().map_or_else(|_| self.address.clone(), |peer| peer.to_string());
        let mut unpacker = self.encoding.unpacker(&self.name, Place::Peer(peer))?;
        loop {
            let num_read = tokio::select! {
                biased;
                () = stop.requested() => {
                    let _closed = put_all(outlet, unpacker.finish()?).await;
                    return Ok(Ended::Stopped);
                }
                num_read = stream.read_buf(unpacker.room()) => num_read,
            };
            let (blocks, lost) = self.unpack(num_read, &mut unpacker)?;
            if put_all(outlet, blocks).await.is_err() {
                return Ok(Ended::Stopped);
            }
            if lost {
                return Ok(Ended::Lost);
            }
        }
    }

    /// The blocks after a read, and whether it was the last of its connection.
    fn unpack(
        &mut self,
        num_read: std::io::Result<usize>,
        unpacker: &mut Unpacker,
    ) -> Result<(Vec<super::Block>, bool), SourceError> {
        match num_read {
            Ok(0) => {
                self.link.lost(&"closed by the peer");
                Ok((unpacker.finish()?, true))
            }
            Ok(_) => {
                self.link.served();
                Ok((unpacker.blocks()?, false))
            }
            Err(error) => {
                let reason = format!("the connection broke within the line: {error}");
                self.link.lost(&error);
                Ok((unpacker.abandon(&reason)?, true))
            }
        }
    }
}

#[cfg(test)]
mod tests;
