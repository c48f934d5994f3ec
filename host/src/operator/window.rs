//! Windows over what came in the last batches: how long, how often, and what is kept for them.
//!
//! A window of length l and slide s covers, every s, what came in the last l; the first ones are shorter, and where
//! s is longer than l, what comes in between is in none. Lengths are counted in batches of the input. What is kept is
//! made of partial results, one for each *pane*, the longest piece that every window holds whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use serde::Deserialize;

use super::{
    Exchange, Factory, Keeping, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo,
    Wide,
};
use crate::record::{Period, describe};
use crate::state::{Entry, History, Kept, KeptState, Save, Window};

/// The option `window` of operators that look at more than one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// How far back it reaches from the time of a batch.
    pub length: Period,
    /// How often there is one; by default as often as the input has batches.
    pub slide: Option<Period>,
}

impl WindowSpec {
    /// A window as often as the input has batches.
    pub const fn of(length: Duration) -> Self {
        Self { length: Period(length), slide: None }
    }

    /// A window every `slide`.
    pub const fn sliding(length: Duration, slide: Duration) -> Self {
        Self { length: Period(length), slide: Some(Period(slide)) }
    }

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
    let exchange = by_key_group(exchange);
    let made = || Arc::new(Kept::new(opening.partitions, History::default));
    let kept = opening.kept().unwrap_or_else(made);
    let keeping = Some(keeping(opening, window, "a window", &kept));
    let after = Arc::new(WindowedFactory { window, after, again, kept });
    Wide { before, exchange, after: Some(after), completes: false, spread: false, keeping }
}

/// What a window keeps, so that it can be saved.
pub(super) fn keeping<T: Save + 'static>(
    opening: &Opening<'_>,
    window: Window,
    what: &str,
    kept: &Arc<Kept<T>>,
) -> Keeping {
    let batch = opening.interval.duration().saturating_mul(u32::try_from(window.every).unwrap_or(u32::MAX));
    let columns = opening.inputs.iter().map(|input| format!("({})", describe(input))).collect::<Vec<_>>();
    Keeping {
        migration: None,
        what: format!(
            "{what} of {} batches of {} every {}, over {}",
            window.length,
            Period(batch),
            window.slide,
            columns.join(" and ")
        ),
        needs_every_batch: true,
        state: Arc::clone(kept) as Arc<dyn KeptState>,
    }
}

/// The exchange that brings a key to the same partition in every batch.
pub(super) fn by_key_group(exchange: Exchange) -> Exchange {
    match exchange {
        Exchange::ByKey(key) => Exchange::ByKeyGroup(vec![key]),
        other => other,
    }
}

/// One result of several, made by `again`.
pub(super) fn merge<'a>(
    again: &mut dyn Process,
    blocks: impl Iterator<Item = &'a RecordBatch>,
    task: &TaskInfo,
    out: &mut Output,
) -> Result<Vec<RecordBatch>, OperatorError> {
    let mut merged = Output::default();
    for block in blocks {
        again.process(block, task, &mut merged)?;
    }
    again.finish(task, &mut merged)?;
    out.dead.append(&mut merged.dead);
    Ok(merged.blocks)
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
            let blocks = merge(self.again.as_mut(), entry.blocks.iter(), task, out)?;
            kept.with(task.partition, |history| history.replace(Entry { blocks, ..entry }));
        }
        let held = kept.with(task.partition, |history| history.window(window, number));
        if let Some(blocks) = held.flatten() {
            out.blocks = merge(self.again.as_mut(), blocks.iter(), task, out)?;
        }
        Ok(())
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
        let kept = opening.kept().unwrap_or_else(|| Arc::new(Kept::new(1, History::default)));
        let keeping = Some(keeping(opening, window, "a window", &kept));
        let after = Arc::new(RememberFactory { window, kept });
        let wide = Wide { spread: true, keeping, ..Wide::exchange(Exchange::Gather, Some(after)) };
        let (shape, every) = (Shape::Wide(wide), window.pace());
        Ok(Opened { shape, every, keeps: true, ..Opened::new(opening, schema) })
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
            history.window(window, number)
        });
        out.blocks.extend(held.flatten().into_iter().flatten());
        Ok(())
    }
}
