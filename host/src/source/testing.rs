//! What the tests of sources share: an outlet that keeps what it is given, and ways to run a source to its end.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch};
use async_trait::async_trait;
use tokio::sync::Notify;

use super::format::{Encoding, Format};
use super::unpacker::Place;
use super::{Block, Closed, Extent, Opening, Outlet, Position, Reader, Source, Stop};
use crate::record::{BatchTime, Bytes, DeadLetter, json_rows};

/// What a source handed over.
#[derive(Debug, Default)]
pub struct Collected {
    pub blocks: Vec<Block>,
}

impl Collected {
    /// The column `line` of all rows.
    pub fn lines(&self) -> Vec<String> {
        let lines = |rows: &RecordBatch| -> Vec<String> {
            rows.column(0).as_string::<i32>().iter().map(|line| line.unwrap().to_owned()).collect()
        };
        self.blocks.iter().flat_map(|block| lines(&block.rows)).collect()
    }

    /// All rows as JSON objects.
    pub fn rows(&self) -> Vec<serde_json::Value> {
        self.blocks.iter().flat_map(|block| json_rows(&block.rows).unwrap()).collect()
    }

    /// What was set aside.
    pub fn dead(&self) -> Vec<&DeadLetter> {
        self.blocks.iter().flat_map(|block| &block.dead).collect()
    }

    /// Position, reason and text of what was set aside.
    pub fn refused(&self) -> Vec<(String, String, String)> {
        let text = |letter: &DeadLetter| letter.row["line"].as_str().unwrap().to_owned();
        let one =
            |letter: &DeadLetter| (letter.position.clone().unwrap(), letter.reason.clone(), text(letter));
        self.dead().into_iter().map(one).collect()
    }
}

/// An outlet that keeps all.
#[derive(Default)]
pub struct Basket {
    collected: Mutex<Collected>,
    changed: Notify,
}

impl Basket {
    /// What was collected, once there are that many rows and dead letters together.
    pub async fn when_there_are(&self, num: usize) {
        loop {
            let changed = self.changed.notified();
            if self.num() >= num {
                return;
            }
            changed.await;
        }
    }

    pub fn num(&self) -> usize {
        self.collected
            .lock()
            .unwrap()
            .blocks
            .iter()
            .map(|block| block.rows.num_rows() + block.dead.len())
            .sum()
    }

    pub fn take(&self) -> Collected {
        std::mem::take(&mut self.collected.lock().unwrap())
    }
}

#[async_trait]
impl Outlet for Basket {
    async fn put(&self, block: Block) -> Result<(), Closed> {
        self.collected.lock().unwrap().blocks.push(block);
        self.changed.notify_one();
        Ok(())
    }
}

pub fn opening(extent: Extent) -> Opening {
    Opening { name: "source".to_owned(), time: BatchTime::from_millis(0), extent, position: None }
}

/// Runs a receiver until its data ends.
pub async fn collect(source: &dyn Source, extent: Extent) -> Collected {
    collect_from(source, extent, None).await
}

/// Runs a receiver that goes on at `position` until its data ends.
pub async fn collect_from(source: &dyn Source, extent: Extent, position: Option<Position>) -> Collected {
    let opening = Opening { position, ..opening(extent) };
    let Ok(Reader::Receiver(receiver)) = source.open(&opening) else { panic!("no receiver") };
    let (_sender, stop) = Stop::new();
    let basket = Arc::new(Basket::default());
    receiver.run(basket.clone(), stop).await.unwrap();
    basket.take()
}

/// A format with a schema, written as JSON, and short lines.
pub fn encoding(format: Format, schema: Option<&str>, max_line: u64) -> Encoding {
    let schema = schema.map(|written| serde_json::from_str(written).unwrap());
    Encoding { format, schema, header: false, separator: None, max_line: Bytes(max_line) }
}

/// What becomes of `chunks` that come one after the other, then end.
pub fn unpack(encoding: &Encoding, chunks: &[&[u8]]) -> Collected {
    let mut unpacker = encoding.unpacker("source", Place::Lines("file".to_owned())).unwrap();
    let mut blocks = Vec::new();
    for chunk in chunks {
        unpacker.room().extend_from_slice(chunk);
        blocks.extend(unpacker.blocks().unwrap());
    }
    blocks.extend(unpacker.finish().unwrap());
    Collected { blocks }
}
