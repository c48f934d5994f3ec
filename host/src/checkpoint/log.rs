//! The log of what receivers received: each block is on the disk before it counts as received.
//!
//! Blocks that arrive while others are being written are written together, with one sync. A block is forgotten with
//! the epoch of the batch that took it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use crossbeam_channel::{Receiver, Sender, bounded};
use fjall::{Database, Keyspace, PersistMode};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::error::{CheckpointError, failure, problem};
use crate::batch::Log;
use crate::failpoint::{Point, reach};
use crate::record::{DeadLetter, decode_rows, encode_rows};
use crate::source::{Block, SourceError};

/// The most bytes that are written with one sync.
const MAX_GROUP_BYTES: usize = 16 << 20;

/// A block of the log, as it was received.
#[derive(Clone, Debug)]
pub struct Logged {
    /// Its number among those of its source.
    pub number: u64,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub arrived_millis: i64,
    /// The block.
    pub block: Block,
}

/// What stands before the rows of a block.
#[derive(Serialize, Deserialize)]
struct Header {
    arrived_millis: i64,
    dead: Vec<DeadLetter>,
}

/// The log of one source.
pub struct SourceLog {
    source: String,
    path: PathBuf,
    senders: Keyspace,
    next: AtomicU64,
    orders: Sender<Order>,
}

/// Something to be written.
struct Order {
    source: String,
    num_rows: usize,
    key: Vec<u8>,
    bytes: Vec<u8>,
    sender: Option<(Vec<u8>, u64)>,
    done: oneshot::Sender<Result<(), String>>,
}

/// Starts the thread that writes to `blocks` and `senders` of `database`. It ends with the last of its logs.
pub(super) struct LogWriter {
    database: Database,
    blocks: Keyspace,
    senders: Keyspace,
    orders: Sender<Order>,
}

impl LogWriter {
    pub(super) fn start(database: &Database, blocks: &Keyspace, senders: &Keyspace) -> std::io::Result<Self> {
        let (orders, incoming) = bounded(1024);
        let (db, to_blocks, to_senders) = (database.clone(), blocks.clone(), senders.clone());
        std::thread::Builder::new()
            .name("received".into())
            .spawn(move || write_all(&incoming, &db, &to_blocks, &to_senders))?;
        Ok(Self { database: database.clone(), blocks: blocks.clone(), senders: senders.clone(), orders })
    }

    /// The log of `source`, which goes on after block `last`, and what is in it after that.
    pub(super) fn open(
        &self,
        path: PathBuf,
        source: &str,
        last: u64,
    ) -> Result<(SourceLog, Vec<Logged>), CheckpointError> {
        let failed = |action| {
            let path = path.clone();
            move |error: fjall::Error| failure(&path, action, &error)
        };
        let mut old = self.database.batch().durability(Some(PersistMode::SyncAll));
        let (mut left, mut highest) = (Vec::new(), last);
        for guard in self.blocks.prefix(prefix(source)) {
            let (key, bytes) = guard.into_inner().map_err(failed("read it"))?;
            let number = key.last_chunk().map_or(0, |number| u64::from_be_bytes(*number));
            if number <= last {
                old.remove(&self.blocks, key);
                continue;
            }
            let logged = decode(number, &bytes).ok_or_else(|| {
                let problem = format!("block {number} that source `{source}` received is damaged");
                CheckpointError::Damaged { path: path.clone(), problem }
            })?;
            highest = highest.max(number);
            left.push(logged);
        }
        let is_written = reach(Point::Release).map_err(fjall::Error::Io).and_then(|()| old.commit());
        let is_written = is_written.and_then(|()| Ok(reach(Point::Released)?));
        is_written.map_err(failed("write it"))?;
        let log = SourceLog {
            source: source.to_owned(),
            path,
            senders: self.senders.clone(),
            next: AtomicU64::new(highest + 1),
            orders: self.orders.clone(),
        };
        Ok((log, left))
    }
}

fn write_all(orders: &Receiver<Order>, database: &Database, blocks: &Keyspace, senders: &Keyspace) {
    while let Ok(first) = orders.recv() {
        let mut num_bytes = first.bytes.len();
        let mut group = vec![first];
        while num_bytes < MAX_GROUP_BYTES
            && let Ok(order) = orders.try_recv()
        {
            num_bytes += order.bytes.len();
            group.push(order);
        }
        let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
        // Of several sequence numbers of a sender the last one counts.
        let mut reached = HashMap::new();
        let mut done = Vec::with_capacity(group.len());
        let mut num_rows = BTreeMap::<String, usize>::new();
        for order in group {
            *num_rows.entry(order.source).or_default() += order.num_rows;
            batch.insert(blocks, order.key, order.bytes);
            reached.extend(order.sender);
            done.push(order.done);
        }
        for (sender, sequence) in reached {
            batch.insert(senders, sender, sequence.to_be_bytes());
        }
        let written = reach(Point::Log).map_err(fjall::Error::Io).and_then(|()| batch.commit());
        let written = written.and_then(|()| Ok(reach(Point::Logged)?)).map_err(|error| problem(&error));
        for (source, rows) in num_rows.into_iter().filter(|_| written.is_ok()) {
            tracing::debug!(source, rows, bytes = num_bytes, "logged what was received");
        }
        for done in done {
            // Whoever waited may be gone.
            let _ = done.send(written.clone());
        }
    }
}

#[async_trait]
impl Log for SourceLog {
    async fn append(
        &self,
        arrived_millis: i64,
        block: &Block,
        from: Option<(&str, u64)>,
    ) -> Result<u64, SourceError> {
        let bytes = encode(arrived_millis, block)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let sender = from.map(|(sender, sequence)| (sender_key(&self.source, sender), sequence));
        let (done, written) = oneshot::channel();
        let gone = || self.failed("the thread that writes it has ended".to_owned());
        self.orders
            .send(Order {
                source: self.source.clone(),
                num_rows: block.rows.num_rows(),
                key: key(&self.source, number),
                bytes,
                sender,
                done,
            })
            .map_err(|_| gone())?;
        match written.await {
            Ok(Ok(())) => Ok(number),
            Ok(Err(problem)) => Err(self.failed(problem)),
            Err(_) => Err(gone()),
        }
    }

    fn highest(&self, sender: &str) -> Result<Option<u64>, SourceError> {
        let found = self.senders.get(sender_key(&self.source, sender));
        let found = found.map_err(|error| self.failed(problem(&error)))?;
        Ok(found.and_then(|bytes| bytes.first_chunk().map(|number| u64::from_be_bytes(*number))))
    }
}

impl SourceLog {
    fn failed(&self, problem: String) -> SourceError {
        SourceError::Log { path: self.path.clone(), problem }
    }
}

fn prefix(source: &str) -> Vec<u8> {
    [source.as_bytes(), &[0]].concat()
}

/// The key of block `number` of `source`.
pub(super) fn key(source: &str, number: u64) -> Vec<u8> {
    [source.as_bytes(), &[0], &number.to_be_bytes()].concat()
}

fn sender_key(source: &str, sender: &str) -> Vec<u8> {
    [source.as_bytes(), &[0], sender.as_bytes()].concat()
}

fn encode(arrived_millis: i64, block: &Block) -> Result<Vec<u8>, SourceError> {
    let header = Header { arrived_millis, dead: block.dead.clone() };
    let header = serde_json::to_vec(&header).unwrap_or_default();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(&header);
    Ok(encode_rows(&block.rows.schema(), [&block.rows], bytes)?)
}

fn decode(number: u64, bytes: &[u8]) -> Option<Logged> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (header, rows) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let Header { arrived_millis, dead } = serde_json::from_slice(header).ok()?;
    let rows = decode_rows(None, rows).ok()?.pop()?;
    Some(Logged { number, arrived_millis, block: Block { rows, dead } })
}
