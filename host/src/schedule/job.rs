//! A job: all stages of a plan for one batch, wave after wave of tasks.

use std::collections::HashMap;
use std::sync::Arc;

use super::pool::{Pool, Task};
use super::stage::{Origin, Port, StagePlan, is_due};
use super::task::{Input, TaskError, TaskOrder, TaskOutput};
use super::version::Version;
use crate::operator::{Exchange, TaskInfo};
use crate::partition::{Buckets, cut, cut_into, merge_buckets};
use crate::record::{BatchTime, DeadLetter, Partition};

/// What one input of the plan brings to a batch: its partitions.
pub type StageInput = Vec<Input>;

/// What became of a batch.
#[derive(Debug, Default)]
pub struct JobResult {
    /// The partitions of each output; none where it has no batch at this time, which isn't an empty one.
    pub outputs: Vec<Option<Vec<Partition>>>,
    /// What was set aside, in the order of stages and partitions.
    pub dead: Vec<DeadLetter>,
    /// How many rows came in from each input.
    pub num_input_rows: Vec<usize>,
    /// How many rows the operators of streams were given, by the stream; of one that works on both sides of an exchange,
    /// the larger number.
    pub num_stream_rows: HashMap<String, usize>,
}

/// Runs jobs, one at a time.
pub struct Executor {
    version: Arc<Version>,
    pool: Pool,
}

impl Executor {
    /// Starts `num_workers` workers, of which the thread that calls `run` is one.
    pub fn start(version: &Arc<Version>, num_workers: usize) -> std::io::Result<Self> {
        Ok(Self { pool: Pool::start(version, num_workers.max(1))?, version: Arc::clone(version) })
    }

    /// Runs batches by `version` from now on.
    pub fn switch(&mut self, version: &Arc<Version>) {
        self.version = Arc::clone(version);
    }

    /// How many workers there are.
    pub fn num_workers(&self) -> usize {
        self.pool.num_workers()
    }

    /// Lets workers come or go, until there are `num_workers`. Between two batches, and what batches give doesn't change.
    pub fn resize(&mut self, num_workers: usize) -> std::io::Result<()> {
        self.pool.resize(&self.version, num_workers.max(1))
    }

    /// Runs batch number `batch`, counted from 1, of time `time`. `inputs` stand in the order of the plan's inputs.
    pub fn run(
        &mut self,
        time: BatchTime,
        batch: u64,
        inputs: Vec<StageInput>,
    ) -> Result<JobResult, TaskError> {
        self.run_part(time, batch, inputs, Part::All)
    }

    /// The batch with which each output behind a window has put out what came up to batch `batch`.
    pub fn last_windows(&self, batch: u64) -> u64 {
        self.version.plan.last_windows(batch)
    }

    /// Runs a batch without rows for those outputs alone.
    pub fn run_windows(&mut self, time: BatchTime, batch: u64) -> Result<JobResult, TaskError> {
        self.run_part(time, batch, Vec::new(), Part::Windows)
    }

    fn run_part(
        &mut self,
        time: BatchTime,
        batch: u64,
        inputs: Vec<StageInput>,
        part: Part,
    ) -> Result<JobResult, TaskError> {
        let version = Arc::clone(&self.version);
        let plan = &version.plan;
        let is_wanted = |every: &u64| (part == Part::All || *every > 1) && is_due(batch, *every);
        let mut job = Job {
            plan,
            batch,
            inputs,
            needed: match part {
                Part::All => vec![true; plan.stages.len()],
                Part::Windows => plan.behind_windows(),
            },
            done: plan.stages.iter().map(|_| None).collect(),
            result: JobResult {
                outputs: plan.outputs.iter().map(|every| is_wanted(every).then(Vec::new)).collect(),
                dead: Vec::new(),
                num_input_rows: vec![0; plan.num_inputs],
                num_stream_rows: HashMap::new(),
            },
        };
        loop {
            let wave = job.ready();
            if wave.is_empty() {
                return Ok(job.result);
            }
            let (tasks, sizes) = job.tasks(&wave, time);
            let mut outputs = self.pool.run(&version, tasks)?.into_iter();
            for (stage, size) in wave.into_iter().zip(sizes) {
                job.complete(stage, outputs.by_ref().take(size).collect());
            }
        }
    }
}

/// What of a plan runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    All,
    /// What outputs need that stand behind a window with a longer slide.
    Windows,
}

struct Job<'a> {
    plan: &'a StagePlan,
    batch: u64,
    inputs: Vec<StageInput>,
    /// Which stages run.
    needed: Vec<bool>,
    /// For each stage that ran, for each of its ports, what each task put out.
    done: Vec<Option<Vec<Vec<Buckets>>>>,
    result: JobResult,
}

impl Job<'_> {
    /// The stages that have not run and whose inputs are there.
    fn ready(&self) -> Vec<usize> {
        let is_done = |stage: usize| self.done.get(stage).is_some_and(Option::is_some);
        let stages = self.plan.stages.iter().enumerate();
        let ready = stages.filter(|(index, stage)| {
            !is_done(*index)
                && self.needed.get(*index) == Some(&true)
                && is_due(self.batch, stage.every)
                && match &stage.source {
                    Origin::Input(_) => true,
                    Origin::Exchange(ports, _) => ports.iter().all(|(from, _)| is_done(*from)),
                }
        });
        ready.map(|(index, _)| index).collect()
    }

    /// The tasks of the stages `wave`, and how many each stage has.
    fn tasks(&self, wave: &[usize], time: BatchTime) -> (Vec<Task>, Vec<usize>) {
        let (mut tasks, mut sizes) = (Vec::new(), Vec::new());
        for &stage in wave {
            let (inputs, is_complete) = self.partitions(stage);
            let num_tasks = inputs.len();
            sizes.push(num_tasks);
            tasks.extend(inputs.into_iter().enumerate().map(|(partition, input)| {
                let info = TaskInfo { time, partition, batch: self.batch, input: 0 };
                let order = TaskOrder { info, num_tasks, partitions: self.plan.partitions, is_complete };
                Task { stage, order, input }
            }));
        }
        (tasks, sizes)
    }

    /// The partitions that stage `index` works on, at least one, and whether one task made them all.
    fn partitions(&self, index: usize) -> (StageInput, bool) {
        let (mut inputs, is_complete) = match self.plan.stages.get(index).map(|stage| &stage.source) {
            Some(Origin::Input(input)) => (self.inputs.get(*input).cloned().unwrap_or_default(), false),
            Some(Origin::Exchange(ports, exchange)) => {
                match exchange {
                    Exchange::ByKeyGroup(_) => return (self.sides(ports), false),
                    Exchange::GatherApart => return (vec![self.apart(ports)], false),
                    _ => {}
                }
                let tasks = self.put_out(ports);
                let is_complete = tasks.len() == 1;
                (self.exchange(tasks, exchange).into_iter().map(Input::Rows).collect(), is_complete)
            }
            None => (StageInput::new(), false),
        };
        if inputs.is_empty() {
            inputs.push(Input::Rows(Partition::new()));
        }
        (inputs, is_complete)
    }

    /// What each task put out at `ports`, port after port.
    fn put_out(&self, ports: &[(usize, usize)]) -> Vec<Buckets> {
        let from = |&(stage, port): &(usize, usize)| {
            self.done
                .get(stage)
                .and_then(Option::as_ref)
                .and_then(|done| done.get(port))
                .cloned()
                .unwrap_or_default()
        };
        ports.iter().flat_map(from).collect()
    }

    /// The partitions that own key groups, each with what came from each of `ports`.
    fn sides(&self, ports: &[(usize, usize)]) -> StageInput {
        let mut partitions = vec![vec![Partition::new(); ports.len()]; self.plan.partitions];
        for (input, &port) in ports.iter().enumerate() {
            for buckets in self.put_out(&[port]) {
                for (partition, blocks) in partitions.iter_mut().zip(buckets) {
                    partition.get_mut(input).into_iter().for_each(|side| side.extend(blocks.iter().cloned()));
                }
            }
        }
        partitions.into_iter().map(Input::Sides).collect()
    }

    /// All that came from each of `ports`, as one partition.
    fn apart(&self, ports: &[(usize, usize)]) -> Input {
        Input::Sides(ports.iter().map(|&port| in_order(self.put_out(&[port]))).collect())
    }

    fn exchange(&self, tasks: Vec<Buckets>, exchange: &Exchange) -> Vec<Partition> {
        match exchange {
            Exchange::ByKey(_) | Exchange::ByKeyGroup(_) => merge_buckets(tasks),
            Exchange::Gather | Exchange::GatherApart => vec![tasks.into_iter().flatten().flatten().collect()],
            Exchange::Concatenate => cut(&in_order(tasks), self.plan.partitions),
            Exchange::Recut(partitions) => cut_into(&in_order(tasks), *partitions),
        }
    }

    fn complete(&mut self, index: usize, tasks: Vec<TaskOutput>) {
        let Some(stage) = self.plan.stages.get(index) else { return };
        if let Origin::Input(input) = stage.source
            && let Some(num_rows) = self.result.num_input_rows.get_mut(input)
        {
            *num_rows = tasks.iter().map(|task| task.num_rows).sum();
        }
        let mut ports: Vec<Vec<Buckets>> =
            stage.ports.iter().map(|_| Vec::with_capacity(tasks.len())).collect();
        for (index, node) in stage.nodes.iter().enumerate() {
            let num_rows: usize = tasks.iter().filter_map(|task| task.num_node_rows.get(index)).sum();
            match self.result.num_stream_rows.get_mut(&node.stream) {
                Some(most) => *most = num_rows.max(*most),
                None => drop(self.result.num_stream_rows.insert(node.stream.clone(), num_rows)),
            }
        }
        for task in tasks {
            self.result.dead.extend(task.dead);
            ports.iter_mut().zip(task.ports).for_each(|(port, buckets)| port.push(buckets));
        }
        for (port, buckets) in stage.ports.iter().zip(&mut ports) {
            if let Port::Output(output) = port
                && let Some(Some(partitions)) = self.result.outputs.get_mut(*output)
            {
                *partitions = std::mem::take(buckets).into_iter().map(in_order_of_buckets).collect();
            }
        }
        if let Some(done) = self.done.get_mut(index) {
            *done = Some(ports);
        }
    }
}

fn in_order(tasks: Vec<Buckets>) -> Partition {
    tasks.into_iter().flatten().flatten().filter(|block| block.num_rows() > 0).collect()
}

fn in_order_of_buckets(buckets: Buckets) -> Partition {
    buckets.into_iter().flatten().collect()
}
