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
    queue: Option<Sender<Order>>,
    waiting: Receiver<Order>,
    threads: Vec<Thread>,
    /// How many threads there were, over all.
    num_started: usize,
}

/// The thread of a worker.
struct Thread {
    number: usize,
    handle: JoinHandle<()>,
}

/// What a worker is told.
enum Order {
    /// To run a task.
    Task(Ticket),
    /// To go, and to say which one it was once it has left nothing behind.
    Leave(Sender<usize>),
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
        let (queue, waiting) = unbounded::<Order>();
        let own = Worker::new(version);
        let mut pool = Self { own, queue: Some(queue), waiting, threads: Vec::new(), num_started: 0 };
        pool.resize(version, num_workers)?;
        Ok(pool)
    }

    /// How many workers there are, the caller included.
    pub(super) fn num_workers(&self) -> usize {
        self.threads.len().saturating_add(1)
    }

    /// Lets workers come or go, between two runs, until there are `num_workers`. Who goes drops what it has made before
    /// this returns. Nothing is kept by a worker from batch to batch, so nothing has to be moved.
    pub(super) fn resize(&mut self, version: &Arc<Version>, num_workers: usize) -> std::io::Result<()> {
        let num_threads = num_workers.saturating_sub(1);
        // One that has ended by itself would never leave.
        self.threads.retain(|thread| !thread.handle.is_finished());
        while self.threads.len() < num_threads {
            let thread = self.start_thread(version)?;
            self.threads.push(thread);
        }
        let num_leaving = self.threads.len().saturating_sub(num_threads);
        let (gone, leavers) = bounded(num_leaving);
        for _ in 0..num_leaving {
            // The receiving end is ours, so it is there.
            self.queue.iter().for_each(|queue| drop(queue.send(Order::Leave(gone.clone()))));
        }
        drop(gone);
        for number in leavers {
            let place = self.threads.iter().position(|thread| thread.number == number);
            if let Some(thread) = place.map(|place| self.threads.swap_remove(place)) {
                let _ = thread.handle.join();
            }
        }
        Ok(())
    }

    fn start_thread(&mut self, version: &Arc<Version>) -> std::io::Result<Thread> {
        self.num_started += 1;
        let number = self.num_started;
        let (mut worker, waiting) = (Worker::new(version), self.waiting.clone());
        let thread = std::thread::Builder::new().name(format!("worker-{number}")).stack_size(STACK_BYTES);
        let handle = thread.spawn(move || {
            for order in &waiting {
                match order {
                    Order::Task(ticket) => worker.serve(ticket),
                    Order::Leave(gone) => {
                        drop(worker);
                        let _ = gone.send(number);
                        return;
                    }
                }
            }
        })?;
        Ok(Thread { number, handle })
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
            let ticket = Ticket { version: Arc::clone(version), index, task, done: done.clone() };
            let _ = queue.send(Order::Task(ticket));
        }
        drop(done);
        while let Ok(Order::Task(ticket)) = self.waiting.try_recv() {
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
            let _ = thread.handle.join();
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
