//! The driver's side of swaps: running a batch by what is to run, and going back where that does worse.

mod beside;

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::shared::{InUse, Next, Quarantined, Running, Shared, names};
use super::trial::Trial;
use super::{SwapError, Swapped, migrate, pass};
use crate::checkpoint::{How, VersionChange};
use crate::failpoint::Point;
use crate::plan::OpenedPipeline;
use crate::record::BatchTime;
use crate::schedule::{Executor, JobResult, TaskError};

/// Lets the workers switch between batches.
pub(in crate::context) struct Switch {
    shared: Arc<Shared>,
    running: Running,
    trial: Option<Trial>,
    /// What runs beside that.
    beside: Option<Next>,
    /// What is to run next.
    ready: Option<Next>,
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
        Self {
            shared,
            running,
            trial: None,
            beside: None,
            ready: None,
            answers: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Runs a batch, by what is to run from now on. A new version that does worse than the one before is out of use
    /// after it, and the batch is what the one before made of it.
    pub(in crate::context) fn run(
        &mut self,
        executor: &mut Executor,
        time: BatchTime,
        job: impl Fn(&mut Executor) -> Result<JobResult, TaskError>,
    ) -> Result<JobResult, TaskError> {
        let next = self.shared.table().next.take();
        let next = next.or_else(|| self.beside.take());
        if let Some(beside) = next.and_then(|next| self.look_beside(next)) {
            return self.run_beside(executor, beside, job);
        }
        if let Some(next) = self.ready.take() {
            self.begin(executor, time, next);
        }
        let Some(mut trial) = self.trial.take() else { return job(executor) };
        let new = job(executor);
        pass(Point::SwapTried);
        if !trial.is_suspicious(&new) {
            let is_proven = new.as_ref().map_or(true, |result| trial.is_proven_by(result));
            if is_proven {
                return new;
            }
            let again = trial.is_apart().then(|| self.keep_up(executor, &trial, &job));
            self.trial = Some(trial);
            return again.unwrap_or(new);
        }
        executor.switch(&trial.before.version);
        let old = job(executor)?;
        match trial.worse(&new, &old) {
            Some(reason) => {
                self.roll_back(time, trial, &reason);
                pass(Point::SwapRolledBack);
            }
            // It is the rows: the version before fails on them too.
            None => executor.switch(&self.running.version),
        }
        Ok(old)
    }

    /// Lets the version before the one on trial have the batch too, since it has states of its own to go back to; then
    /// the new one again, because what both share is to be as that leaves it.
    fn keep_up(
        &self,
        executor: &mut Executor,
        trial: &Trial,
        job: impl Fn(&mut Executor) -> Result<JobResult, TaskError>,
    ) -> Result<JobResult, TaskError> {
        executor.switch(&trial.before.version);
        // Where it fails without rows, there is little to go back to.
        let _ = job(executor);
        executor.switch(&self.running.version);
        job(executor)
    }

    /// What runs.
    pub(in crate::context) fn opened(&self) -> &OpenedPipeline {
        self.running.opened()
    }

    /// What changed with the batch.
    pub(in crate::context) fn changes(&self) -> Vec<VersionChange> {
        self.changes.clone()
    }

    /// Whether nobody waits to be told of the batch, and nothing changed with it.
    pub(in crate::context) fn is_settled(&self) -> bool {
        let is_quiet = self.trial.is_none() && self.answers.is_empty() && self.changes.is_empty();
        is_quiet && !self.shared.table().plugins.values().any(|plugin| plugin.is_on_trial)
    }

    /// The batch is final: whoever waits is told.
    pub(in crate::context) fn settle(&mut self) {
        if !self.changes.is_empty() {
            pass(Point::SwapSettled);
        }
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
        if let Err(error) = self.make_ready(&next) {
            // Whoever asked may have gone.
            let _ = next.answer.send(Err(error));
            return;
        }
        executor.switch(&next.running.version);
        pass(Point::SwapSwitched);
        match &mut self.trial {
            Some(trial) => trial.extend(&next),
            None => self.trial = Some(Trial::new(self.running.clone(), &next)),
        }
        self.running = next.running.clone();
        let mut swapped = Vec::with_capacity(next.changes.len());
        let mut table = self.shared.table();
        for change in &next.changes {
            let (plugin, from, to) = (change.plugin.clone(), change.from.clone(), change.to.clone());
            let what = if change.is_of_code() { "swapped" } else { "swapped its config or limits" };
            tracing::info!(%plugin, from = short(&from), to = short(&to), batch = %time, "{what}");
            table.specs.insert(plugin.clone(), change.spec.clone());
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
                shadow: next.report.clone(),
            });
            let (fit, shadow) = (next.fit.clone(), next.report.clone());
            swapped.push(Swapped { plugin, from, to, batch: time, fit, shadow });
        }
        table.running = next.running;
        self.answers.push((next.answer, Ok(swapped)));
    }

    /// Whether it can begin: the version that it was made to follow runs, and all states are there.
    fn make_ready(&self, next: &Next) -> Result<(), SwapError> {
        if !next.before.is(&self.running) {
            return Err(SwapError::Overtaken);
        }
        let plugin = names(&next.changes);
        migrate::finish(&next.migrations, |problem| SwapError::Unfit { plugin: plugin.clone(), problem })
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
            table.specs.insert(plugin.clone(), change.spec_before.clone());
            // Of code that ran well with another config nothing bad is known.
            if change.is_of_code() {
                let bad = Quarantined { digest: to.clone(), reason: reason.to_owned() };
                table.quarantined.insert(plugin.clone(), bad);
            }
            let (how, reason) = (How::Failed, Some(reason.to_owned()));
            self.changes.push(VersionChange {
                plugin,
                digest: from,
                from: Some(to),
                time: time.millis(),
                how,
                reason,
                shadow: None,
            });
        }
        for (_, answer) in &mut self.answers {
            let (plugin, reason) = (names(&trial.changes), reason.to_owned());
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
