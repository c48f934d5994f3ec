//! Writes each batch to a TCP connection that this side opens, as lines.
//!
//! A batch is encoded when it is staged, and sent when it is published. When the connection breaks meanwhile it is made
//! again, with growing pauses, and the whole batch is sent again. TCP doesn't say what the receiver has read; with
//! `acknowledge` it does so itself: whenever it likes it answers how many line feeds it has taken on this connection
//! so far, as a decimal number on a line. A batch is then published once all of it was.

mod peer;

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use serde::Deserialize;

use self::peer::Peer;
use super::encode::{Encoder, RowFormat};
use super::waiting::Waiting;
use super::{Delivery, Opening, Sink, SinkError, Writer};
use crate::link::{End, Link, has_port};
use crate::record::{BatchTime, Partition};

/// A sink that writes lines to a TCP connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// Where to connect to, `host:port`.
    pub address: String,
    /// How rows are written.
    #[serde(default = "default_format")]
    pub format: RowFormat,
    /// Whether each connection begins with the names of the columns, for CSV.
    #[serde(default)]
    pub header: bool,
    /// Whether the receiver answers how many lines it has taken.
    #[serde(default)]
    pub acknowledge: bool,
}

const fn default_format() -> RowFormat {
    RowFormat::Jsonl
}

impl Tcp {
    /// Sends JSON lines to `address`; the fields hold the defaults of a manifest and may be set.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), format: default_format(), header: false, acknowledge: false }
    }
}

impl Sink for Tcp {
    fn kind(&self) -> &'static str {
        "tcp"
    }

    fn delivery(&self) -> Delivery {
        if self.acknowledge { Delivery::Again } else { Delivery::Unconfirmed }
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), SinkError> {
        if !has_port(&self.address) {
            let problem =
                format!("`{}` is not host:port; write for example \"127.0.0.1:9999\"", self.address);
            return Err(SinkError::key("address", problem));
        }
        self.format.check(self.header, schema)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        self.check(&opening.schema)?;
        let mut encoder = Encoder::new(self.format, self.header, &opening.schema);
        let greeting = encoder.begin()?.to_vec();
        let link = Link::new(End::Sink, &opening.name, &self.address);
        Ok(Box::new(TcpWriter {
            waiting: Waiting::new(opening.stop.clone(), self.address.clone())?,
            peer: Peer::new(link, self.address.clone(), greeting, self.acknowledge),
            encoder,
            staged: BTreeMap::new(),
        }))
    }
}

/// The sink while it runs.
struct TcpWriter {
    waiting: Waiting,
    peer: Peer,
    encoder: Encoder,
    /// The bytes of batches that are not sent yet.
    staged: BTreeMap<BatchTime, Vec<u8>>,
}

impl Writer for TcpWriter {
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        let mut bytes = Vec::new();
        for block in partitions.iter().flatten() {
            bytes.extend_from_slice(self.encoder.encode(block)?);
        }
        if !bytes.is_empty() {
            self.staged.insert(time, bytes);
        }
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        if let Some(bytes) = self.staged.get(&time) {
            self.waiting.run(self.peer.deliver(bytes))?;
            self.staged.remove(&time);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), SinkError> {
        self.waiting.run(self.peer.close())
    }
}

#[cfg(test)]
mod tests;
