//! The driver's side of swaps: running a batch by what is to run, and going back where that does worse.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::shared::{InUse, Next, Quarantined, Running, Shared};
use super::trial::Trial;
use super::{SwapError, Swapped};
use crate::checkpoint::{How, VersionChange};
use crate::record::BatchTime;
use crate::schedule::{Executor, JobResult, StageInput, TaskError};

/// Lets the workers switch between batches.
pub(in crate::context) struct Switch {
    shared: Arc<Shared>,
    running: Running,
    trial: Option<Trial>,
    /// Who is told once the batch is final, and what.
    answers: Vec<(Sender<Answer>, Answer)>,
    /// What changed with the batch.
    changes: Vec<VersionChange>,
}

type Answer = Result<Vec<Swapped>, SwapError>;

impl Switch {
    /// For the driver that runs what `shared` says.
    pub(in crate::context) fn new(shared: Arc<Shared>) -> Self {
        let running = shared.running();
        Self { shared, running, trial: None, answers: Vec::new(), changes: Vec::new() }
    }

    /// Runs a batch, by what is to run from now on. A new version that does worse than the one before is out of use
    /// after it, and the batch is what the one before made of it.
    pub(in crate::context) fn run(
        &mut self,
        executor: &mut Executor,
        time: BatchTime,
        batch: u64,
        inputs: Vec<StageInput>,
    ) -> Result<JobResult, TaskError> {
        let next = self.shared.table().next.take();
        if let Some(next) = next {
            self.begin(executor, time, next);
        }
        let Some(mut trial) = self.trial.take() else { return executor.run(time, batch, inputs) };
        let new = executor.run(time, batch, inputs.clone());
        if !trial.is_suspicious(&new) {
            self.trial = new.as_ref().is_ok_and(|result| !trial.is_proven_by(result)).then_some(trial);
            return new;
        }
        executor.switch(&trial.before.version);
        let old = executor.run(time, batch, inputs)?;
        match trial.worse(&new, &old) {
            Some(reason) => self.roll_back(time, trial, &reason),
            // It is the rows: the version before fails on them too.
            None => executor.switch(&self.running.version),
        }
        Ok(old)
    }

    /// What changed with the batch.
    pub(in crate::context) fn changes(&self) -> Vec<VersionChange> {
        self.changes.clone()
    }

    /// The batch is final: whoever waits is told.
    pub(in crate::context) fn settle(&mut self) {
        self.shared.table().history.append(&mut self.changes);
        if let Some(trial) = &self.trial {
            let mut table = self.shared.table();
            for change in &trial.changes {
                table
                    .plugins
                    .get_mut(&change.plugin)
                    .into_iter()
                    .for_each(|plugin| plugin.is_on_trial = true);
            }
        } else if self.shared.table().plugins.values().any(|plugin| plugin.is_on_trial) {
            let mut table = self.shared.table();
            table.plugins.values_mut().for_each(|plugin| plugin.is_on_trial = false);
        }
        for (to, answer) in self.answers.drain(..) {
            // Whoever asked may have gone.
            let _ = to.send(answer);
        }
    }

    fn begin(&mut self, executor: &mut Executor, time: BatchTime, next: Next) {
        executor.switch(&next.running.version);
        match &mut self.trial {
            Some(trial) => trial.extend(&next),
            None => self.trial = Some(Trial::new(self.running.clone(), &next)),
        }
        self.running = next.running.clone();
        let mut swapped = Vec::with_capacity(next.changes.len());
        let mut table = self.shared.table();
        for change in &next.changes {
            let (plugin, from, to) = (change.plugin.clone(), change.from.clone(), change.to.clone());
            tracing::info!(%plugin, from = short(&from), to = short(&to), batch = %time, "swapped");
            table
                .plugins
                .insert(plugin.clone(), InUse { digest: to.clone(), since: Some(time), is_on_trial: true });
            table.quarantined.remove(&plugin);
            self.changes.push(VersionChange {
                plugin: plugin.clone(),
                digest: to.clone(),
                from: Some(from.clone()),
                time: time.millis(),
                how: change.how,
                reason: None,
            });
            swapped.push(Swapped { plugin, from, to, batch: time, fit: next.fit.clone() });
        }
        table.running = next.running;
        self.answers.push((next.answer, Ok(swapped)));
    }

    fn roll_back(&mut self, time: BatchTime, trial: Trial, reason: &str) {
        self.running = trial.before;
        let mut table = self.shared.table();
        table.running = self.running.clone();
        for change in &trial.changes {
            let (plugin, from, to) = (change.plugin.clone(), change.from.clone(), change.to.clone());
            tracing::error!(%plugin, from = short(&to), to = short(&from), batch = %time, "rolled back: {reason}");
            table.plugins.insert(
                plugin.clone(),
                InUse { digest: from.clone(), since: Some(time), is_on_trial: false },
            );
            let bad = Quarantined { digest: to.clone(), reason: reason.to_owned() };
            table.quarantined.insert(plugin.clone(), bad);
            let (how, reason) = (How::Failed, Some(reason.to_owned()));
            self.changes.push(VersionChange {
                plugin,
                digest: from,
                from: Some(to),
                time: time.millis(),
                how,
                reason,
            });
        }
        let names: Vec<&str> = trial.changes.iter().map(|change| change.plugin.as_str()).collect();
        for (_, answer) in &mut self.answers {
            let (plugin, reason) = (names.join("`, `"), reason.to_owned());
            *answer = Err(SwapError::RolledBack { plugin, batch: time, reason });
        }
    }
}

impl Drop for Switch {
    /// Whoever waits for a swap that won't come is told so.
    fn drop(&mut self) {
        let mut table = self.shared.table();
        table.has_ended = true;
        table.next = None;
    }
}

/// So much of a digest as people need to tell one from another.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
