//! A plan as workers run it, and the way from one to the next between two batches.
//!
//! Work that stays the same is kept by each worker. What is new is made before, for every worker, so that no batch waits
//! for plugins to be opened.

use std::sync::{Arc, Mutex, PoisonError};

use super::stage::{Stage, StagePlan};
use super::task::TaskError;
use crate::operator::Process;

/// The work of one worker, by stage and node, as far as it is made.
pub(super) type Spare = Vec<Vec<Option<Box<dyn Process>>>>;

/// A plan that workers can switch to.
pub struct Version {
    pub(super) plan: StagePlan,
    /// What is made already, for a worker each.
    ready: Mutex<Vec<Spare>>,
}

impl Version {
    /// A plan of which workers make the work when they first need it.
    pub fn new(plan: StagePlan) -> Self {
        Self { plan, ready: Mutex::default() }
    }

    /// A plan to run after `running`. What is new in it is made here, for `num_workers` workers.
    pub fn after(running: &Self, plan: StagePlan, num_workers: usize) -> Result<Self, TaskError> {
        let mut ready = Vec::with_capacity(num_workers);
        for _ in 0..num_workers {
            let stages = plan.stages.iter().enumerate();
            let spare = stages.map(|(index, stage)| make_new(stage, running.plan.stages.get(index)));
            ready.push(spare.collect::<Result<Spare, _>>()?);
        }
        Ok(Self { plan, ready: Mutex::new(ready) })
    }

    /// Nothing made yet, for each stage and node.
    pub(super) fn none(&self) -> Spare {
        self.plan.stages.iter().map(|stage| stage.nodes.iter().map(|_| None).collect()).collect()
    }

    /// What was made for one more worker.
    pub(super) fn take_ready(&self) -> Spare {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop();
        ready.unwrap_or_else(|| self.none())
    }
}

/// The work of those nodes of `stage` that it doesn't share with `old`.
fn make_new(stage: &Stage, old: Option<&Stage>) -> Result<Vec<Option<Box<dyn Process>>>, TaskError> {
    let nodes = stage.nodes.iter().enumerate();
    nodes
        .map(|(index, node)| match is_kept(old, stage, index) {
            true => Ok(None),
            false => node.make().map(Some),
        })
        .collect()
}

/// Whether node `index` does the same work in both.
pub(super) fn is_kept(old: Option<&Stage>, new: &Stage, index: usize) -> bool {
    match (old.and_then(|old| old.nodes.get(index)), new.nodes.get(index)) {
        (Some(old), Some(new)) => Arc::ptr_eq(&old.factory, &new.factory),
        _ => false,
    }
}
