//! A source that is fed block by block, and whose blocks are logged where there is a checkpoint.

use std::sync::mpsc::{Receiver as Acks, Sender as Ack, channel};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tidemill::source::{Block, Opening, Outlet, Reader, Receiver, Recovery, Source, SourceError, Stop};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::Failure;
use crate::run::PATIENCE;

/// The hand that feeds a source.
pub struct Feeder {
    blocks: UnboundedSender<RecordBatch>,
    taken: Acks<()>,
}

/// A source that hands over what it is fed.
#[derive(Debug)]
pub struct Fed {
    schema: SchemaRef,
    /// Taken by the receiver.
    ends: Mutex<Option<Ends>>,
}

#[derive(Debug)]
struct Ends {
    blocks: UnboundedReceiver<RecordBatch>,
    taken: Ack<()>,
}

impl Fed {
    /// A source with the columns `schema`, and the hand that feeds it.
    pub fn new(schema: SchemaRef) -> (Self, Feeder) {
        let ((blocks, ends), (ack, taken)) = (unbounded_channel(), channel());
        let ends = Mutex::new(Some(Ends { blocks: ends, taken: ack }));
        (Self { schema, ends }, Feeder { blocks, taken })
    }
}

impl Feeder {
    /// Feeds a block, and waits until it counts as received.
    pub fn feed(&self, block: RecordBatch) -> Result<(), Failure> {
        self.blocks.send(block).map_err(|_| Failure::wrong("the receiver has gone"))?;
        self.taken.recv_timeout(PATIENCE).map_err(|_| Failure::wrong("a block is not received"))
    }
}

impl Source for Fed {
    fn kind(&self) -> &'static str {
        "fed"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn is_logged(&self) -> bool {
        true
    }

    fn open(&self, _: &Opening) -> Result<Reader, SourceError> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ends = ends.ok_or_else(|| SourceError::Option("it is read already".to_owned()))?;
        Ok(Reader::Receiver(Box::new(ends)))
    }
}

#[async_trait]
impl Receiver for Ends {
    async fn run(mut self: Box<Self>, outlet: Arc<dyn Outlet>, mut stop: Stop) -> Result<(), SourceError> {
        loop {
            let block = tokio::select! {
                block = self.blocks.recv() => block,
                () = stop.requested() => None,
            };
            let Some(rows) = block else { return Ok(()) };
            if outlet.put(Block { rows, dead: Vec::new() }).await.is_err() {
                return Ok(());
            }
            // Whoever fed it may have gone.
            let _ = self.taken.send(());
        }
    }
}
