//! What runs without an exchange of rows in between, as a plan: nodes that make work, and where rows go.

use std::sync::Arc;

use arrow::datatypes::FieldRef;

use super::task::TaskError;
use crate::operator::{Exchange, Factory, Process};

/// All that runs for a batch, in an order in which each stage's inputs are made by stages before it.
pub struct StagePlan {
    /// The stages.
    pub stages: Vec<Stage>,
    /// How many inputs the plan has; stages name them by index.
    pub num_inputs: usize,
    /// The outputs of the plan, which ports name by index: how many intervals it is from one batch of each to the
    /// next.
    pub outputs: Vec<u64>,
    /// The most partitions that rows are cut into.
    pub partitions: usize,
}

/// A stage: a task for each partition.
pub struct Stage {
    /// Where its rows come from.
    pub source: Origin,
    /// How many intervals it is from one of its batches to the next.
    pub every: u64,
    /// The work, in an order in which rows only go to later nodes.
    pub nodes: Vec<Node>,
    /// What gets the rows that come in.
    pub roots: Vec<Target>,
    /// Where rows leave.
    pub ports: Vec<Port>,
}

/// Where the rows of a stage come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An input of the plan.
    Input(usize),
    /// Ports of earlier stages, as (stage, port), with how their rows change partitions.
    Exchange(Vec<(usize, usize)>, Exchange),
}

/// Work within a stage.
pub struct Node {
    /// The stream that it makes.
    pub stream: String,
    /// What it does, for people.
    pub label: String,
    /// Makes the work for a worker.
    pub factory: Arc<dyn Factory>,
    /// What gets the rows that it puts out.
    pub to: Vec<Target>,
    /// How many intervals it is from one batch that it is given to the next.
    pub every: u64,
    /// Whether it only completes what partitions hold in part, so that a lone partition can go past it.
    pub completes: bool,
}

impl Node {
    /// Makes its work for a worker.
    pub(super) fn make(&self) -> Result<Box<dyn Process>, TaskError> {
        let failed = |error| TaskError::Operator { stream: self.stream.clone(), error: Box::new(error) };
        self.factory.make().map_err(failed)
    }
}

/// Who gets rows within a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A node of the stage, by index.
    Node(usize),
    /// A port of the stage, by index.
    Port(usize),
}

/// Where rows leave a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// To an output of the plan, by index.
    Output(usize),
    /// To later stages, as they are.
    Pass,
    /// To a later stage, in buckets by key.
    Bucket {
        /// The columns of the key.
        key: Vec<usize>,
        /// Their fields, the same for all inputs that meet.
        fields: Vec<FieldRef>,
        /// Whether few rows are put into buckets too, because a bucket has to be the same in every batch.
        fixed: bool,
    },
}

impl StagePlan {
    /// The first batch, from `batch` on, by which each output that has longer to wait than a batch has had one.
    pub(super) fn last_windows(&self, batch: u64) -> u64 {
        let longer = self.outputs.iter().filter(|every| **every > 1);
        longer.map(|every| batch.next_multiple_of(*every)).max().unwrap_or(batch)
    }

    /// Which stages such outputs need.
    pub(super) fn behind_windows(&self) -> Vec<bool> {
        let mut needed = vec![false; self.stages.len()];
        // Each stage stands behind those that it reads.
        for (index, stage) in self.stages.iter().enumerate().rev() {
            let is_longer = |port: &Port| match port {
                Port::Output(output) => self.outputs.get(*output).is_some_and(|every| *every > 1),
                Port::Pass | Port::Bucket { .. } => false,
            };
            let is_needed = needed.get(index) == Some(&true) || stage.ports.iter().any(is_longer);
            let (true, Origin::Exchange(ports, _)) = (is_needed, &stage.source) else {
                needed.get_mut(index).into_iter().for_each(|needed| *needed = is_needed);
                continue;
            };
            for from in ports.iter().map(|(from, _)| *from).chain([index]) {
                needed.get_mut(from).into_iter().for_each(|needed| *needed = true);
            }
        }
        needed
    }
}

/// Whether a stream with a batch `every` so many intervals has one in batch number `batch`.
pub(super) fn is_due(batch: u64, every: u64) -> bool {
    batch.is_multiple_of(every.max(1))
}
