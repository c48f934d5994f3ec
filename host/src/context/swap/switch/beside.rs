//! Batches that a new version has beside the one in use, before it takes its place.

use super::super::shared::{Next, names};
use super::super::{SwapError, pass, shadow};
use super::Switch;
use crate::failpoint::Point;
use crate::plugin::OnDifference;
use crate::schedule::{Executor, JobResult, TaskError};

impl Switch {
    /// Whether `next` runs beside what is in use in this batch. Where it doesn't, it has begun or is out, or waits.
    pub(super) fn look_beside(&mut self, next: Next) -> Option<Next> {
        if next.shadow.is_none() {
            self.ready = Some(next);
            return None;
        }
        let refusal = if !next.before.is(&self.running) {
            SwapError::Overtaken
        } else if self.shared.is_waited_for() {
            SwapError::Superseded(names(&next.changes))
        } else if self.trial.is_some() {
            // Of a version on trial it isn't known yet whether it stays.
            self.beside = Some(next);
            return None;
        } else {
            return Some(next);
        };
        self.shared.table().shadows.retain(|plugin, _| !next.changes.iter().any(|c| c.plugin == *plugin));
        // Whoever asked may have gone.
        let _ = next.answer.send(Err(refusal));
        None
    }

    /// Lets `next` have a batch beside what is in use.
    pub(super) fn run_beside(
        &mut self,
        executor: &mut Executor,
        mut next: Next,
        job: impl Fn(&mut Executor) -> Result<JobResult, TaskError>,
    ) -> Result<JobResult, TaskError> {
        let Some(mut shadow) = next.shadow.take() else { return job(executor) };
        let ran = shadow.run(executor, job);
        pass(Point::SwapBeside);
        executor.switch(&self.running.version);
        let plugins = next.changes.iter().map(|change| (change.plugin.clone(), change.to.clone()));
        shadow::note(&mut self.shared.table(), plugins, &shadow);
        if ran.is_err() || shadow.batches_left() > 0 {
            next.shadow = Some(shadow);
            self.beside = Some(next);
            return ran;
        }
        let (plugin, report) = (names(&next.changes), shadow.report);
        tracing::info!(%plugin, "ran {report}");
        report.samples.iter().for_each(|sample| tracing::info!(%plugin, "differs in {sample}"));
        let is_out =
            report.failure.is_some() || (shadow.on_difference == OnDifference::Refuse && report.differs());
        match is_out {
            true => {
                let report = Box::new(report);
                let _ = next.answer.send(Err(SwapError::Different { plugin, report }));
            }
            false => {
                next.report = Some(report);
                self.ready = Some(next);
            }
        }
        ran
    }
}
