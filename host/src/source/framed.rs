//! Frames from senders that are told what is safe: with a checkpoint, nothing of theirs is lost and nothing counts twice.
//!
//! A sender connects, says `TMF1`, the length of its name in two bytes, and its name. It is answered, in eight bytes,
//! the highest sequence number up to which everything of a sender of this name is safe, 0 where nothing is. Then it
//! sends frames: the length of the payload in four bytes, a sequence number above the one before in eight, and the
//! payload, one or more records of the source's format. Whenever frames have become safe it is answered the highest
//! sequence number again. All numbers are unsigned and begin with their highest byte. After a broken connection a
//! sender connects again and sends what lies above the number that it is answered; what lies below is passed over.
//!
//! Of a name there is one connection at a time. A second one takes the place of the first, which may be dead without
//! anybody having noticed: the first is ended, and the second is greeted once all is safe that was read of the first.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::format::{DEFAULT_MAX_LINE, Encoding, Format};
use super::unpacker::Place;
use super::{
    Block, Extent, Opening, Outlet, Reader, Receiver, Recovery, Source, SourceError, Stop, check_max_rate,
};
use crate::record::{Bytes, DeclaredSchema};

/// What a sender says first.
const GREETING: &[u8; 4] = b"TMF1";

/// The longest name of a sender, in bytes.
const MAX_NAME: usize = 255;

/// How many bytes are read at a time, and of how many bytes of payloads one block is made, where so many are there. A block
/// is a sync of the log, so that what came during one is read with the next.
const GROUP_BYTES: usize = 256 << 10;

/// The bytes of a frame before its payload.
const HEADER_BYTES: usize = 12;

/// Takes frames from senders that connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framed {
    /// Where to listen, as host:port.
    pub address: String,
    /// What payloads hold.
    #[serde(default)]
    pub format: Format,
    /// The columns of csv and jsonl.
    pub schema: Option<DeclaredSchema>,
    /// What stands between the values of csv; a comma where none is given.
    pub separator: Option<char>,
    /// The longest line; longer ones become dead letters. The longest payload, too: a longer one ends the connection.
    #[serde(default = "default_max_line")]
    pub max_line: Bytes,
    /// The most rows a second to take; senders wait.
    pub max_rate: Option<u64>,
    /// Whether frames are safe only once they are logged in the checkpoint.
    #[serde(default = "default_wal")]
    pub wal: bool,
}

fn default_max_line() -> Bytes {
    DEFAULT_MAX_LINE
}

fn default_wal() -> bool {
    true
}

impl Framed {
    /// Listens at `address`; the fields hold the defaults of a manifest and may be set.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            format: Format::Text,
            schema: None,
            separator: None,
            max_line: DEFAULT_MAX_LINE,
            max_rate: None,
            wal: true,
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

impl Source for Framed {
    fn kind(&self) -> &'static str {
        "framed"
    }

    fn schema(&self) -> SchemaRef {
        self.encoding().schema()
    }

    fn recovery(&self) -> Recovery {
        if self.wal { Recovery::Acknowledged } else { Recovery::Lost }
    }

    fn max_rows_per_second(&self) -> Option<u64> {
        self.max_rate
    }

    fn is_logged(&self) -> bool {
        self.wal
    }

    fn check(&self) -> Result<(), SourceError> {
        self.encoding().check()?;
        check_max_rate(self.max_rate)?;
        if self.address.parse::<SocketAddr>().is_ok() {
            return Ok(());
        }
        Err(SourceError::Option(format!(
            "`address` must be an IP address and a port to listen at, for example \"127.0.0.1:9998\", not `{}`",
            self.address
        )))
    }

    fn open(&self, opening: &Opening) -> Result<Reader, SourceError> {
        self.check()?;
        let failed = |error: std::io::Error| {
            SourceError::Option(format!("cannot listen at `{}`: {error}", self.address))
        };
        // Here, so that a port that is taken is known before anything runs.
        let listener = std::net::TcpListener::bind(&self.address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(source = opening.name, %address, "listening");
        }
        Ok(Reader::Receiver(Box::new(Server {
            listener,
            extent: opening.extent,
            shared: Arc::new(Shared {
                name: opening.name.clone(),
                encoding: self.encoding(),
                names: Mutex::default(),
            }),
        })))
    }
}

struct Server {
    listener: std::net::TcpListener,
    extent: Extent,
    shared: Arc<Shared>,
}

/// What all connections of a source share.
struct Shared {
    name: String,
    encoding: Encoding,
    /// The names of senders that were heard of.
    names: Mutex<HashMap<String, Arc<Name>>>,
}

/// A sender's name, of which one connection at a time is served.
struct Name {
    /// The number of the newest connection.
    newest: watch::Sender<u64>,
    served: tokio::sync::Mutex<()>,
}

/// Frames that are made one block.
struct Group {
    /// Their highest sequence number.
    reached: u64,
    /// Their payloads, a line end behind each; none where all were there before.
    payloads: Option<Vec<u8>>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("{0}")]
    Broken(#[from] std::io::Error),
    #[error("{0}")]
    Wrong(String),
    #[error("nobody takes more")]
    Closed,
    #[error("a newer connection of the same sender takes its place")]
    Replaced,
    #[error(transparent)]
    Failed(#[from] SourceError),
}

#[async_trait]
impl Receiver for Server {
    async fn run(self: Box<Self>, outlet: Arc<dyn Outlet>, mut stop: Stop) -> Result<(), SourceError> {
        let failed = |error| SourceError::Option(format!("cannot listen: {error}"));
        let listener = TcpListener::from_std(self.listener).map_err(failed)?;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(ended) = connections.join_next() => {
                    if let Ok(Err(End::Failed(error))) = ended {
                        return Err(error);
                    }
                    if self.extent == Extent::Available && !matches!(ended, Ok(Err(End::Replaced))) {
                        return Ok(());
                    }
                }
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let (shared, outlet, stop) = (Arc::clone(&self.shared), Arc::clone(&outlet), stop.clone());
                        connections.spawn(async move { shared.serve(stream, peer, &*outlet, stop).await });
                    }
                    Err(error) => tracing::warn!(source = self.shared.name, "cannot accept a connection: {error}"),
                },
            }
        }
        // Each hands over what it has read, and is answered.
        while let Some(ended) = connections.join_next().await {
            if let Ok(Err(End::Failed(error))) = ended {
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Name {
    /// Ends the connection there is, for a new one. Answers what changes when there is one newer still.
    fn newer(&self) -> watch::Receiver<u64> {
        let mut newer = None;
        // In one step, so that of two connections one is the newer.
        self.newest.send_modify(|newest| {
            *newest += 1;
            newer = Some(*newest);
        });
        let mut receiver = self.newest.subscribe();
        if Some(*receiver.borrow_and_update()) != newer {
            receiver.mark_changed();
        }
        receiver
    }
}

impl Shared {
    /// Serves one sender, to the end of its connection.
    async fn serve(
        &self,
        mut stream: TcpStream,
        peer: SocketAddr,
        outlet: &dyn Outlet,
        mut stop: Stop,
    ) -> Result<(), End> {
        let source = &self.name;
        let greeted = tokio::select! {
            biased;
            () = stop.requested() => return Ok(()),
            greeted = greet(&mut stream) => greeted,
        };
        let sender = match greeted {
            Ok(sender) => sender,
            Err(end) => {
                tracing::warn!(source, %peer, "connection refused: {end}");
                return Err(end);
            }
        };
        let name = self.name(&sender);
        let mut newer = name.newer();
        let _served = tokio::select! {
            biased;
            () = stop.requested() => return Ok(()),
            _ = newer.changed() => return Err(End::Replaced),
            served = name.served.lock() => served,
        };
        tracing::info!(source, %peer, sender, "connected");
        let ended = self.receive(&mut stream, peer, &sender, outlet, stop, newer).await;
        if let Err(end) = &ended {
            tracing::warn!(source, %peer, sender, "connection ended: {end}");
        }
        ended
    }

    fn name(&self, sender: &str) -> Arc<Name> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Name { newest: watch::Sender::new(0), served: tokio::sync::Mutex::default() });
        Arc::clone(names.entry(sender.to_owned()).or_insert_with(new))
    }

    /// Takes frames until the connection ends.
    async fn receive(
        &self,
        stream: &mut TcpStream,
        peer: SocketAddr,
        sender: &str,
        outlet: &dyn Outlet,
        mut stop: Stop,
        mut newer: watch::Receiver<u64>,
    ) -> Result<(), End> {
        let mut safe = outlet.highest(sender)?.unwrap_or(0);
        stream.write_u64(safe).await?;
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(GROUP_BYTES);
            let num_read = tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                _ = newer.changed() => return Err(End::Replaced),
                num_read = stream.read_buf(&mut buffer) => num_read?,
            };
            if num_read == 0 {
                return match buffer.is_empty() {
                    true => Ok(()),
                    false => {
                        Err(End::Wrong("the connection broke within a frame, which is not taken".to_owned()))
                    }
                };
            }
            while let Some(Group { reached, payloads }) = self.group(&mut buffer, safe)? {
                if let Some(payloads) = payloads {
                    let block = self.block(&payloads, peer)?;
                    outlet.put_from(block, sender, reached).await.map_err(|_| End::Closed)?;
                }
                safe = safe.max(reached);
                stream.write_u64(safe).await?;
            }
        }
    }

    /// Takes whole frames off the front of `buffer`, those above `safe` with their payloads. None where no frame is whole.
    fn group(&self, buffer: &mut BytesMut, safe: u64) -> Result<Option<Group>, End> {
        let (mut reached, mut payloads) = (None::<u64>, Vec::new());
        let mut is_new = false;
        while payloads.len() < GROUP_BYTES {
            let Some((mut header, rest)) =
                buffer.split_first_chunk::<HEADER_BYTES>().map(|(h, r)| (&h[..], r))
            else {
                break;
            };
            let (length, sequence) = (header.get_u32() as usize, header.get_u64());
            if length > self.encoding.max_line.as_usize() {
                return Err(End::Wrong(format!(
                    "a payload of {length} bytes; `max_line` is {}",
                    self.encoding.max_line
                )));
            }
            if rest.len() < length {
                break;
            }
            if sequence == 0 || reached.is_some_and(|reached| sequence <= reached) {
                return Err(End::Wrong(format!("sequence number {sequence} is not above the one before")));
            }
            buffer.advance(HEADER_BYTES);
            let payload = buffer.split_to(length);
            if sequence > safe {
                is_new = true;
                payloads.extend_from_slice(&payload);
                if payload.last() != Some(&b'\n') {
                    payloads.push(b'\n');
                }
            }
            reached = Some(sequence);
        }
        Ok(reached.map(|reached| Group { reached, payloads: is_new.then_some(payloads) }))
    }

    /// The records of payloads as one block, so that all of them are logged or none.
    fn block(&self, payloads: &[u8], peer: SocketAddr) -> Result<Block, SourceError> {
        let mut unpacker = self.encoding.unpacker(&self.name, Place::Peer(peer.to_string()))?;
        unpacker.room().extend_from_slice(payloads);
        let mut blocks = unpacker.blocks()?;
        blocks.extend(unpacker.finish()?);
        let schema = self.encoding.schema();
        let rows: Vec<RecordBatch> = blocks.iter().map(|block| block.rows.clone()).collect();
        let dead = blocks.into_iter().flat_map(|block| block.dead).collect();
        Ok(Block { rows: concat_batches(&schema, &rows)?, dead })
    }
}

/// Reads what a sender says first, and answers its name.
async fn greet(stream: &mut TcpStream) -> Result<String, End> {
    let mut greeting = [0; GREETING.len()];
    stream.read_exact(&mut greeting).await?;
    if greeting != *GREETING {
        return Err(End::Wrong("it does not begin with `TMF1`, as framed senders do".to_owned()));
    }
    let length = usize::from(stream.read_u16().await?);
    if !(1..=MAX_NAME).contains(&length) {
        return Err(End::Wrong(format!("a name of {length} bytes; it has to have from 1 to {MAX_NAME}")));
    }
    let mut name = vec![0; length];
    stream.read_exact(&mut name).await?;
    String::from_utf8(name).map_err(|_| End::Wrong("a name that is not UTF-8".to_owned()))
}
