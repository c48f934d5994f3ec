//! Worker threads, each with operators of its own, and the thread that asks, which works too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::task::{Input, Runner, TaskError, TaskOrder, TaskOutput};
use super::version::{Spare, Version, is_kept};
use crate::plugin::STACK_BYTES;
use crate::record::panic_text;

/// Tasks that have fewer rows than this together are not worth waking threads for.
const MIN_SHARED_ROWS: usize = 1024;

/// A task to run: the stage, what it is told, its input.
pub(super) struct Task {
    pub(super) stage: usize,
    pub(super) order: TaskOrder,
    pub(super) input: Input,
}

/// Workers.
pub(super) struct Pool {
    own: Worker,
    queue: Option<Sender<Ticket>>,
    waiting: Receiver<Ticket>,
    threads: Vec<JoinHandle<()>>,
}

struct Ticket {
    version: Arc<Version>,
    index: usize,
    task: Task,
    done: Sender<(usize, Result<TaskOutput, TaskError>)>,
}

impl Pool {
    /// Starts `num_workers` workers, of which the caller is one.
    pub(super) fn start(version: &Arc<Version>, num_workers: usize) -> std::io::Result<Self> {
        // Holds the tasks of one wave at most; `run` waits for them all.
        let (queue, waiting) = unbounded::<Ticket>();
        let threads = (1..num_workers).map(|number| {
            let (mut worker, waiting) = (Worker::new(version), waiting.clone());
            std::thread::Builder::new().name(format!("worker-{number}")).stack_size(STACK_BYTES).spawn(
                move || {
                    waiting.iter().for_each(|ticket| worker.serve(ticket));
                },
            )
        });
        let threads = threads.collect::<Result<_, _>>()?;
        Ok(Self { own: Worker::new(version), queue: Some(queue), waiting, threads })
    }

    /// Runs `tasks` of `version`; the results stand in the order of the tasks.
    pub(super) fn run(
        &mut self,
        version: &Arc<Version>,
        tasks: Vec<Task>,
    ) -> Result<Vec<TaskOutput>, TaskError> {
        let num_rows: Option<usize> = tasks.iter().map(|task| task.input.num_rows()).sum();
        let is_small = num_rows.is_some_and(|rows| rows < MIN_SHARED_ROWS);
        let Some(queue) =
            self.queue.as_ref().filter(|_| !is_small && tasks.len() > 1 && !self.threads.is_empty())
        else {
            return tasks.into_iter().map(|task| self.own.run(version, &task)).collect();
        };
        let num_tasks = tasks.len();
        let (done, results) = bounded(num_tasks);
        for (index, task) in tasks.into_iter().enumerate() {
            // The receiving end is ours, so it is there.
            let _ = queue.send(Ticket { version: Arc::clone(version), index, task, done: done.clone() });
        }
        drop(done);
        while let Ok(ticket) = self.waiting.try_recv() {
            self.own.serve(ticket);
        }
        let mut outputs: Vec<_> = results.iter().collect();
        outputs.sort_by_key(|(index, _)| *index);
        if outputs.len() < num_tasks {
            return Err(TaskError::Panic("a worker thread ended".to_owned()));
        }
        outputs.into_iter().map(|(_, output)| output).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The operators of one worker, by stage, made when they are first needed.
struct Worker {
    version: Arc<Version>,
    runners: Vec<Option<Runner>>,
    /// What is made, and in none of the runners.
    spare: Spare,
}

impl Worker {
    fn new(version: &Arc<Version>) -> Self {
        let runners = version.plan.stages.iter().map(|_| None).collect();
        Self { version: Arc::clone(version), runners, spare: version.none() }
    }

    /// Works by `version` from now on. What it shares with the one before is kept.
    fn switch(&mut self, version: &Arc<Version>) {
        if Arc::ptr_eq(&self.version, version) {
            return;
        }
        let old = std::mem::replace(&mut self.version, Arc::clone(version));
        let kept = std::mem::replace(&mut self.spare, version.take_ready());
        let runners = version.plan.stages.iter().map(|_| None).collect();
        let runners = std::mem::replace(&mut self.runners, runners);
        let made = runners.into_iter().zip(kept).map(|(runner, spare)| match runner {
            Some(runner) => runner.into_processes().into_iter().map(Some).collect(),
            None => spare,
        });
        for ((stage, spare), (index, made)) in
            version.plan.stages.iter().zip(&mut self.spare).zip(made.enumerate())
        {
            for (node, (place, process)) in spare.iter_mut().zip(made).enumerate() {
                if is_kept(old.plan.stages.get(index), stage, node) {
                    *place = process;
                }
            }
        }
    }

    fn serve(&mut self, ticket: Ticket) {
        let output = self.run(&ticket.version, &ticket.task);
        // Whoever asked may have gone.
        let _ = ticket.done.send((ticket.index, output));
    }

    /// Runs a task. After an error the stage's operators are made anew, since what they hold is unknown.
    fn run(&mut self, version: &Arc<Version>, task: &Task) -> Result<TaskOutput, TaskError> {
        self.switch(version);
        let (Some(stage), Some(place), Some(spare)) = (
            version.plan.stages.get(task.stage),
            self.runners.get_mut(task.stage),
            self.spare.get_mut(task.stage),
        ) else {
            return Err(TaskError::Panic(format!("there is no stage {}", task.stage)));
        };
        let kept = place.take();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let mut runner = match kept {
                Some(runner) => runner,
                None => Runner::new(stage, spare)?,
            };
            runner.run(stage, &task.order, &task.input).map(|output| (runner, output))
        }));
        match ran {
            Ok(Ok((runner, output))) => {
                *place = Some(runner);
                Ok(output)
            }
            Ok(Err(error)) => Err(error),
            Err(panic) => Err(TaskError::Panic(panic_text(panic.as_ref()))),
        }
    }
}
