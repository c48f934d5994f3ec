//! Windows over what came in the last batches: how long, how often, and what is kept for them.
//!
//! A window of length l and slide s covers, every s, what came in the last l; the first ones are shorter, and where
//! s is longer than l, what comes in between is in none. Lengths are counted in batches of the input. What is kept is
//! made of partial results, one for each *pane*, the longest piece that every window holds whole or not at all.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use serde::Deserialize;

use super::{
    Exchange, Factory, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo, Wide,
};
use crate::record::Period;

/// How many results of single batches may wait in a pane before they are made one.
const MAX_WAITING: usize = 32;

/// The option `window` of operators that look at more than one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// How far back it reaches from the time of a batch.
    pub length: Period,
    /// How often there is one; by default as often as the input has batches.
    pub slide: Option<Period>,
}

/// A window in batches of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    length: u64,
    slide: u64,
    /// How many intervals it is from one batch of the input to the next.
    every: u64,
}

impl WindowSpec {
    /// In batches of the input of `opening`.
    pub(super) fn resolve(&self, opening: &Opening<'_>) -> Result<Window, OperatorError> {
        let every = opening.every.max(1);
        let batches = |key: &str, length: Period| {
            let intervals = opening.interval.divide(length.0).filter(|n| n.is_multiple_of(every));
            intervals.map(|n| n / every).ok_or_else(|| {
                let pace = Period(opening.interval.duration().saturating_mul(u32::try_from(every).unwrap_or(u32::MAX)));
                OperatorError::Option {
                    key: "window",
                    problem: format!(
                        "{key} is {length}, and has to be a whole multiple of {pace}, the time between two batches of its input"
                    ),
                }
            })
        };
        let length = batches("length", self.length)?;
        let slide = self.slide.map_or(Ok(1), |slide| batches("slide", slide))?;
        Ok(Window { length, slide, every })
    }
}

impl Window {
    /// How many intervals it is from one window to the next.
    pub(super) const fn every(self) -> u64 {
        self.slide.saturating_mul(self.every)
    }

    /// The number of the input's batch in batch `batch` of the pipeline.
    const fn number(self, batch: u64) -> u64 {
        batch / self.every
    }

    /// Whether a window ends with the input's batch `number`.
    const fn ends_at(self, number: u64) -> bool {
        number.is_multiple_of(self.slide)
    }

    /// The first batch of the window that ends with `number`.
    const fn first_of(self, number: u64) -> u64 {
        number.saturating_sub(self.length).saturating_add(1)
    }

    /// Whether any window covers batch `number`.
    const fn covers(self, number: u64) -> bool {
        number >= self.first_of(number.next_multiple_of(self.slide))
    }

    /// How many batches make a pane.
    const fn pane(self) -> u64 {
        let (mut a, mut b) = (self.length, self.slide);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    }
}

/// What an operator keeps from batch to batch, partition by partition.
pub(super) struct Kept<T>(Vec<Mutex<T>>);

impl<T: Default> Kept<T> {
    pub(super) fn new(partitions: usize) -> Self {
        Self((0..partitions).map(|_| Mutex::default()).collect())
    }

    /// Looks at what is kept for a partition; none where there is no such partition.
    pub(super) fn with<R>(&self, partition: usize, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.0.get(partition).map(|kept| act(&mut kept.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// What came in the last batches, oldest first.
#[derive(Default)]
struct History {
    entries: VecDeque<Entry>,
}

/// What came in some batches one after the other.
struct Entry {
    first: u64,
    last: u64,
    blocks: Vec<RecordBatch>,
}

impl History {
    /// Adds what came in a batch. A batch that runs again replaces what it left before.
    fn add(&mut self, window: Window, number: u64, blocks: Vec<RecordBatch>) {
        while self.entries.back().is_some_and(|entry| entry.first >= number) {
            self.entries.pop_back();
        }
        if window.covers(number) && !blocks.is_empty() {
            self.entries.push_back(Entry { first: number, last: number, blocks });
        }
    }

    /// Drops what no window needs that ends with `number` or later.
    fn forget(&mut self, window: Window, number: u64) {
        let end = number.next_multiple_of(window.slide);
        while self.entries.front().is_some_and(|entry| entry.last < window.first_of(end)) {
            self.entries.pop_front();
        }
    }

    /// What the window holds that ends with `number`.
    fn blocks(&self, window: Window, number: u64) -> Vec<RecordBatch> {
        let held = self.entries.iter().filter(|entry| entry.first >= window.first_of(number));
        held.flat_map(|entry| &entry.blocks).cloned().collect()
    }

    /// What came in the batches of `number`'s pane before it, where it is time to make that one: when the pane is
    /// complete, or many of them wait. The last batch may have to run again, so it stays by itself.
    fn waiting(&self, window: Window, number: u64) -> Option<Entry> {
        let pane = |number: u64| (number - 1) / window.pane();
        let is_waiting = |entry: &&Entry| entry.last < number && pane(entry.last) == pane(number);
        let waiting: Vec<&Entry> = self.entries.iter().filter(is_waiting).collect();
        let is_time = number.is_multiple_of(window.pane()) || waiting.len() >= MAX_WAITING;
        match waiting.as_slice() {
            [first, .., last] if is_time => Some(Entry {
                first: first.first,
                last: last.last,
                blocks: waiting.iter().flat_map(|entry| &entry.blocks).cloned().collect(),
            }),
            _ => None,
        }
    }

    /// Puts `entry` in the place of those of its batches.
    fn replace(&mut self, entry: Entry) {
        let start = self.entries.partition_point(|other| other.last < entry.first);
        let later = self.entries.split_off(self.entries.partition_point(|other| other.last <= entry.last));
        self.entries.truncate(start);
        self.entries.push_back(entry);
        self.entries.extend(later);
    }
}

/// Makes a `Wide` of `before`, `exchange` and `after`, each batch by itself, into one over a window. `again` makes one
/// result of several that `after` put out.
pub(super) fn windowed(
    opening: &Opening<'_>,
    window: Window,
    before: Option<Arc<dyn Factory>>,
    exchange: Exchange,
    after: Arc<dyn Factory>,
    again: Arc<dyn Factory>,
) -> Wide {
    let exchange = match exchange {
        Exchange::ByKey(key) => Exchange::ByKeyGroup(vec![key]),
        other => other,
    };
    let kept = Arc::new(Kept::new(opening.partitions));
    let after = Arc::new(WindowedFactory { window, after, again, kept });
    Wide { before, exchange, after: Some(after), completes: false, spread: false }
}

struct WindowedFactory {
    window: Window,
    after: Arc<dyn Factory>,
    again: Arc<dyn Factory>,
    kept: Arc<Kept<History>>,
}

impl Factory for WindowedFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Windowed {
            window: self.window,
            after: self.after.make()?,
            again: self.again.make()?,
            kept: Arc::clone(&self.kept),
        }))
    }
}

struct Windowed {
    window: Window,
    after: Box<dyn Process>,
    again: Box<dyn Process>,
    kept: Arc<Kept<History>>,
}

impl Process for Windowed {
    fn process(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        self.after.process(block, task, out)
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let (window, number) = (self.window, self.window.number(task.batch));
        self.after.finish(task, out)?;
        let blocks = std::mem::take(&mut out.blocks);
        let kept = Arc::clone(&self.kept);
        let waiting = kept.with(task.partition, |history| {
            history.add(window, number, blocks);
            history.waiting(window, number)
        });
        if let Some(entry) = waiting.flatten() {
            let blocks = self.merge(entry.blocks.iter(), task, out)?;
            kept.with(task.partition, |history| history.replace(Entry { blocks, ..entry }));
        }
        let held = kept.with(task.partition, |history| {
            history.forget(window, number);
            window.ends_at(number).then(|| history.blocks(window, number))
        });
        if let Some(blocks) = held.flatten() {
            out.blocks = self.merge(blocks.iter(), task, out)?;
        }
        Ok(())
    }
}

impl Windowed {
    /// One result of several.
    fn merge<'a>(
        &mut self,
        blocks: impl Iterator<Item = &'a RecordBatch>,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<Vec<RecordBatch>, OperatorError> {
        let mut merged = Output::default();
        for block in blocks {
            self.again.process(block, task, &mut merged)?;
        }
        self.again.finish(task, &mut merged)?;
        out.dead.append(&mut merged.dead);
        Ok(merged.blocks)
    }
}

/// `window`: the rows of the last batches, oldest first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowOf {
    /// How far back it reaches.
    pub length: Period,
    /// How often there is one; by default as often as the input has batches.
    pub slide: Option<Period>,
}

impl Operator for WindowOf {
    fn kind(&self) -> &'static str {
        "window"
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let window = WindowSpec { length: self.length, slide: self.slide }.resolve(opening)?;
        let schema = Arc::clone(opening.input()?);
        let after = Arc::new(RememberFactory { window, kept: Arc::new(Kept::new(1)) });
        let wide = Wide { spread: true, ..Wide::exchange(Exchange::Gather, Some(after)) };
        Ok(Opened { schema, shape: Shape::Wide(wide), every: window.every() })
    }
}

struct RememberFactory {
    window: Window,
    kept: Arc<Kept<History>>,
}

impl Factory for RememberFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Remember { window: self.window, kept: Arc::clone(&self.kept), blocks: Vec::new() }))
    }
}

struct Remember {
    window: Window,
    kept: Arc<Kept<History>>,
    blocks: Vec<RecordBatch>,
}

impl Process for Remember {
    fn process(&mut self, block: &RecordBatch, _: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        self.blocks.push(block.clone());
        Ok(())
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let (window, number) = (self.window, self.window.number(task.batch));
        let blocks = std::mem::take(&mut self.blocks);
        let held = self.kept.with(task.partition, |history| {
            history.add(window, number, blocks);
            history.forget(window, number);
            window.ends_at(number).then(|| history.blocks(window, number))
        });
        out.blocks.extend(held.flatten().into_iter().flatten());
        Ok(())
    }
}
