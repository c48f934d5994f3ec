//! Receivers that do what cases ask for.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tidemill::source::{Block, Opening, Outlet, Reader, Receiver, Recovery, Source, SourceError, Stop};

/// A source with a receiver of its own.
#[derive(Clone, Debug)]
pub struct Received {
    /// The columns.
    pub schema: SchemaRef,
    /// What it hands over.
    pub blocks: Vec<RecordBatch>,
    /// How.
    pub manner: Manner,
}

/// How a receiver hands its blocks over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// One half at once, the other when it is asked to stop.
    HalfLate,
    /// From so many tasks at the same time.
    Tasks(usize),
    /// Not at all: it fails.
    Fails,
}

impl Source for Received {
    fn kind(&self) -> &'static str {
        "received"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn open(&self, _: &Opening) -> Result<Reader, SourceError> {
        Ok(Reader::Receiver(Box::new(self.clone())))
    }
}

#[async_trait]
impl Receiver for Received {
    async fn run(self: Box<Self>, outlet: Arc<dyn Outlet>, mut stop: Stop) -> Result<(), SourceError> {
        let half = self.blocks.len() / 2;
        match self.manner {
            Manner::Fails => Err(SourceError::Option("user error".to_owned())),
            Manner::HalfLate => {
                let mut blocks = self.blocks.into_iter();
                put(&*outlet, blocks.by_ref().take(half)).await;
                stop.requested().await;
                put(&*outlet, blocks).await;
                Ok(())
            }
            Manner::Tasks(num_tasks) => {
                let share = self.blocks.len().div_ceil(num_tasks.max(1)).max(1);
                let start = |blocks: &[RecordBatch]| {
                    let (blocks, outlet) = (blocks.to_vec(), Arc::clone(&outlet));
                    tokio::spawn(async move { put(&*outlet, blocks.into_iter()).await })
                };
                for task in self.blocks.chunks(share).map(start).collect::<Vec<_>>() {
                    task.await.map_err(|error| SourceError::Option(error.to_string()))?;
                }
                Ok(())
            }
        }
    }
}

/// Hands `blocks` over, as long as somebody takes them.
async fn put(outlet: &dyn Outlet, blocks: impl Iterator<Item = RecordBatch> + Send) {
    for rows in blocks {
        if outlet.put(Block { rows, dead: Vec::new() }).await.is_err() {
            return;
        }
    }
}
