//! What runs without an exchange of rows in between, as a plan: nodes that make work, and where rows go.

use std::sync::Arc;

use crate::operator::{Exchange, Factory};

/// All that runs for a batch, in an order in which each stage's inputs are made by stages before it.
pub struct StagePlan {
    /// The stages.
    pub stages: Vec<Stage>,
    /// How many inputs the plan has; stages name them by index.
    pub num_inputs: usize,
    /// How many outputs the plan has; ports name them by index.
    pub num_outputs: usize,
    /// The most partitions that rows are cut into.
    pub partitions: usize,
}

/// A stage: a task for each partition.
pub struct Stage {
    /// Where its rows come from.
    pub source: Origin,
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
    /// Whether it only completes what partitions hold in part, so that a lone partition can go past it.
    pub completes: bool,
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
    /// To a later stage, in buckets by these key columns of this schema.
    Bucket(arrow::datatypes::SchemaRef, Vec<usize>),
}
