//! One task: the work of one stage on one partition, on one thread.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::stage::{Port, Stage, Target, is_due};
use crate::operator::{OperatorError, Output, Process, TaskInfo};
use crate::partition::{Buckets, KeyEncoder, into_buckets, num_partitions};
use crate::record::{DeadLetter, Partition, num_rows};
use crate::source::{Block, Interrupted, SourceError, Split};

/// The rows of one partition, or what reads them.
#[derive(Clone)]
pub enum Input {
    /// Rows in memory.
    Rows(Partition),
    /// A piece of a source's batch.
    Split(Arc<dyn Split>),
    /// Rows in memory of several inputs, input by input.
    Sides(Vec<Partition>),
}

impl Input {
    /// How many rows there are, where that is known before they are read.
    pub(crate) fn num_rows(&self) -> Option<usize> {
        match self {
            Self::Rows(blocks) => Some(num_rows(blocks)),
            Self::Split(split) => split.num_rows(),
            Self::Sides(sides) => Some(sides.iter().map(|blocks| num_rows(blocks)).sum()),
        }
    }
}

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// An operator failed.
    #[error("stream `{stream}` failed: {error}")]
    Operator {
        /// The stream that the operator makes.
        stream: String,
        /// Why.
        #[source]
        error: Box<OperatorError>,
    },
    /// A source could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Rows could not be exchanged.
    #[error("cannot exchange rows: {0}")]
    Exchange(#[from] arrow::error::ArrowError),
    /// The host itself failed; this is a bug.
    #[error("a task panicked: {0}; this is a bug in tidemill, please report it")]
    Panic(String),
}

/// What a task put out.
#[derive(Debug, Default)]
pub(super) struct TaskOutput {
    /// For each port, one partition, or one bucket a partition to come.
    pub(super) ports: Vec<Buckets>,
    pub(super) dead: Vec<DeadLetter>,
    /// How many rows came in.
    pub(super) num_rows: usize,
    /// How many rows each node was given.
    pub(super) num_node_rows: Vec<usize>,
}

/// What a task is told beside its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskOrder {
    pub(super) info: TaskInfo,
    /// How many tasks the stage has.
    pub(super) num_tasks: usize,
    /// The most partitions that rows are cut into.
    pub(super) partitions: usize,
    /// Whether what comes in was complete before it was exchanged, so that nodes that complete are passed by.
    pub(super) is_complete: bool,
}

/// The work of a stage as one worker has it. Its instances live from task to task.
pub(super) struct Runner {
    processes: Vec<Box<dyn Process>>,
    encoders: Vec<Option<KeyEncoder>>,
}

impl Runner {
    /// Takes what is made already from `spare`, and makes the rest.
    pub(super) fn new(stage: &Stage, spare: &mut [Option<Box<dyn Process>>]) -> Result<Self, TaskError> {
        let processes = stage.nodes.iter().enumerate().map(|(index, node)| {
            match spare.get_mut(index).and_then(Option::take) {
                Some(process) => Ok(process),
                None => node.make(),
            }
        });
        let encoders = stage.ports.iter().map(|port| match port {
            Port::Bucket { fields, .. } => KeyEncoder::new(fields).map(Some),
            Port::Output(_) | Port::Pass => Ok(None),
        });
        Ok(Self {
            processes: processes.collect::<Result<_, _>>()?,
            encoders: encoders.collect::<Result<_, _>>()?,
        })
    }

    /// The work of each node.
    pub(super) fn into_processes(self) -> Vec<Box<dyn Process>> {
        self.processes
    }

    /// Runs the stage on `input`.
    pub(super) fn run(
        &mut self,
        stage: &Stage,
        order: &TaskOrder,
        input: &Input,
    ) -> Result<TaskOutput, TaskError> {
        let mut flow = Flow {
            stage,
            order,
            info: order.info,
            processes: &mut self.processes,
            blocks: vec![Partition::new(); stage.ports.len()],
            dead: Vec::new(),
            num_rows: 0,
            num_node_rows: vec![0; stage.nodes.len()],
        };
        flow.read(input)?;
        flow.finish()?;
        let Flow { blocks, dead, num_rows, num_node_rows, .. } = flow;
        let ports = stage.ports.iter().zip(&self.encoders).zip(blocks);
        let ports = ports.map(|((port, encoder), blocks)| match (port, encoder) {
            (Port::Bucket { key, fixed, .. }, Some(encoder)) => bucket(&blocks, key, *fixed, encoder, order),
            _ => Ok(vec![blocks]),
        });
        Ok(TaskOutput { ports: ports.collect::<Result<_, _>>()?, dead, num_rows, num_node_rows })
    }
}

/// Sorts what a task puts out into buckets, unless it is alone and what it has makes one partition.
fn bucket(
    blocks: &[RecordBatch],
    key: &[usize],
    fixed: bool,
    encoder: &KeyEncoder,
    order: &TaskOrder,
) -> Result<Buckets, TaskError> {
    let alone = order.num_tasks == 1;
    if !fixed && alone && num_partitions(num_rows(blocks), order.partitions) == 1 {
        return Ok(vec![blocks.to_vec()]);
    }
    let mut buckets = vec![Partition::new(); order.partitions];
    for block in blocks {
        for (bucket, more) in buckets.iter_mut().zip(into_buckets(block, key, encoder, order.partitions)?) {
            bucket.extend(more);
        }
    }
    Ok(buckets)
}

/// Rows on their way through a stage.
struct Flow<'a> {
    stage: &'a Stage,
    order: &'a TaskOrder,
    info: TaskInfo,
    processes: &'a mut [Box<dyn Process>],
    blocks: Vec<Partition>,
    dead: Vec<DeadLetter>,
    num_rows: usize,
    num_node_rows: Vec<usize>,
}

impl Flow<'_> {
    fn read(&mut self, input: &Input) -> Result<(), TaskError> {
        let split = match input {
            Input::Rows(blocks) => {
                return blocks.iter().try_for_each(|block| self.enter(block));
            }
            Input::Sides(sides) => {
                for (input, blocks) in sides.iter().enumerate() {
                    self.info.input = input;
                    blocks.iter().try_for_each(|block| self.enter(block))?;
                }
                return Ok(());
            }
            Input::Split(split) => split,
        };
        let mut failed = None;
        let read = split.read(&mut |block: Block| {
            self.dead.extend(block.dead);
            self.enter(&block.rows).map_err(|error| {
                failed = Some(error);
                Interrupted
            })
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(read?),
        }
    }

    fn enter(&mut self, block: &RecordBatch) -> Result<(), TaskError> {
        self.num_rows += block.num_rows();
        self.send(&self.stage.roots, block)
    }

    fn send(&mut self, targets: &[Target], block: &RecordBatch) -> Result<(), TaskError> {
        if block.num_rows() == 0 {
            return Ok(());
        }
        for target in targets {
            match *target {
                Target::Port(port) => {
                    self.blocks.get_mut(port).into_iter().for_each(|blocks| blocks.push(block.clone()))
                }
                Target::Node(node) => self.offer(node, block)?,
            }
        }
        Ok(())
    }

    fn offer(&mut self, index: usize, block: &RecordBatch) -> Result<(), TaskError> {
        let stage = self.stage;
        self.num_node_rows.get_mut(index).into_iter().for_each(|rows| *rows += block.num_rows());
        match stage.nodes.get(index) {
            Some(node) if node.completes && self.order.is_complete => self.send(&node.to, block),
            _ => self.work(index, |process, info, out| process.process(block, info, out)),
        }
    }

    fn finish(&mut self) -> Result<(), TaskError> {
        // Nodes only send to later ones, so each has all its rows when its turn comes.
        (0..self.stage.nodes.len())
            .try_for_each(|node| self.work(node, |process, info, out| process.finish(info, out)))
    }

    fn work(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut dyn Process, &TaskInfo, &mut Output) -> Result<(), OperatorError>,
    ) -> Result<(), TaskError> {
        let stage = self.stage;
        let (Some(node), Some(process)) = (stage.nodes.get(index), self.processes.get_mut(index)) else {
            return Ok(());
        };
        let is_passed_by = node.completes && self.order.is_complete;
        if is_passed_by || !is_due(self.info.batch, node.every) {
            return Ok(());
        }
        let mut out = Output::default();
        act(process.as_mut(), &self.info, &mut out)
            .map_err(|error| TaskError::Operator { stream: node.stream.clone(), error: Box::new(error) })?;
        self.dead.append(&mut out.dead);
        out.blocks.iter().try_for_each(|block| self.send(&node.to, block))
    }
}
