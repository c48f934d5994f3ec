//! The sources of a running pipeline: receivers with their intakes, and replayable readers.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use indexmap::IndexMap;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::durable::Durable;
use super::rates::Rates;
use super::running::RunError;
use crate::batch::{Clock, Intake, IntakeOptions, Taken, Wake};
use crate::checkpoint::{Logged, SourcePosition};
use crate::partition::{concatenate, cut};
use crate::record::{BatchTime, Bytes, DeadLetter};
use crate::schedule::{Input, StageInput};
use crate::source::{
    Block, Opening, Outlet, Position, Reader, Receiver, Replayable, Source, SourceError, Stop,
};

/// What may wait of one receiver.
const INTAKE_CAPACITY: Bytes = Bytes::mib(64);

/// All sources of a running pipeline, in the order of the plan's inputs.
pub(super) struct Inputs {
    inputs: Vec<InputOf>,
    partitions: usize,
    stop: watch::Sender<bool>,
    runtime: Runtime,
}

struct InputOf {
    name: String,
    schema: SchemaRef,
    kind: Kind,
    /// How many rows runs before this one took, of a source whose position that is.
    counted: Option<u64>,
    /// Whether its receiver has ended, and that was told.
    has_ended: bool,
}

enum Kind {
    Received(Arc<Intake>),
    Replayable(Box<dyn Replayable>),
}

/// What a batch is made of.
#[derive(Default)]
pub(super) struct Cut {
    pub(super) inputs: Vec<StageInput>,
    pub(super) dead: Vec<DeadLetter>,
}

/// What a batch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// What arrived up to its time.
    UpToTime,
    /// Everything that is there.
    Everything,
    /// What was received, and nothing new of replayable sources.
    Received,
}

impl Inputs {
    /// Opens `sources` and sets their receivers going.
    pub(super) fn open<'a>(
        sources: impl Iterator<Item = (&'a String, &'a dyn Source)>,
        opening: &Opening,
        durable: Option<&Durable>,
        partitions: usize,
        clock: &Arc<dyn Clock>,
        wake: &Arc<Wake>,
    ) -> Result<Self, RunError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("receivers")
            .enable_all()
            .build()
            .map_err(RunError::Thread)?;
        let (stop, stopped) = Stop::new();
        let mut inputs = Vec::new();
        for (name, source) in sources {
            let before = durable.and_then(|durable| durable.position(name)).cloned().unwrap_or_default();
            let failed = |error| RunError::Source { name: name.clone(), error };
            let opening = Opening { name: name.clone(), position: before.position, ..opening.clone() };
            let counted = match &opening.position {
                _ if !source.is_counted() => None,
                Some(position) => Some(position.read().map_err(failed)?),
                None => Some(0),
            };
            let reader = source.open(&opening).map_err(failed)?;
            let kind = match reader {
                Reader::Replayable(replayable) => Kind::Replayable(replayable),
                Reader::Receiver(receiver) => {
                    let options = IntakeOptions {
                        capacity: INTAKE_CAPACITY,
                        max_rows_per_second: source.max_rows_per_second(),
                    };
                    let mut intake = Intake::new(options, Arc::clone(clock), Arc::clone(wake));
                    if let Some(durable) = durable.filter(|_| source.is_logged()) {
                        let (log, left) = durable.log(name)?;
                        intake = intake.with_log(log, before.logged);
                        for Logged { number, arrived_millis, block } in left {
                            intake.let_in_logged(number, arrived_millis, block);
                        }
                    }
                    let intake = Arc::new(intake);
                    receive(&runtime, receiver, &intake, stopped.clone());
                    Kind::Received(intake)
                }
            };
            let (name, schema) = (name.clone(), source.schema());
            inputs.push(InputOf { name, schema, kind, counted, has_ended: false });
        }
        Ok(Self { inputs, partitions, stop, runtime })
    }

    /// The names of the sources, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|input| input.name.as_str())
    }

    /// How far each source was read.
    pub(super) fn positions(&mut self) -> IndexMap<String, SourcePosition> {
        let of = |input: &mut InputOf| match &mut input.kind {
            Kind::Received(intake) => SourcePosition {
                position: input.counted.and_then(|before| Position::new(&(before + intake.rows_taken()))),
                logged: intake.taken(),
            },
            Kind::Replayable(replayable) => SourcePosition { position: replayable.position(), logged: None },
        };
        self.inputs.iter_mut().map(|input| (input.name.clone(), of(input))).collect()
    }

    /// The names of the sources that have receivers.
    pub(super) fn receivers(&self) -> impl Iterator<Item = &str> {
        let received = self.inputs.iter().filter(|input| matches!(input.kind, Kind::Received(_)));
        received.map(|input| input.name.as_str())
    }

    /// Those whose receivers have returned without an error since it was asked for.
    pub(super) fn newly_returned(&mut self) -> Vec<String> {
        self.newly_ended(Intake::has_returned)
    }

    /// Those whose receivers are given up, because the run ends.
    pub(super) fn newly_closed(&mut self) -> Vec<String> {
        self.newly_ended(|_| true)
    }

    fn newly_ended(&mut self, has_ended: impl Fn(&Intake) -> bool) -> Vec<String> {
        let mut names = Vec::new();
        for input in &mut self.inputs {
            if let Kind::Received(intake) = &input.kind
                && !input.has_ended
                && has_ended(intake)
            {
                input.has_ended = true;
                names.push(input.name.clone());
            }
        }
        names
    }

    /// Whether some source has something of its own for each batch, so that none may be left out.
    pub(super) fn need_every_batch(&self) -> bool {
        self.inputs.iter().any(|input| match &input.kind {
            Kind::Received(_) => false,
            Kind::Replayable(replayable) => replayable.needs_every_batch(),
        })
    }

    /// Takes the batch of time `time`, as much as there is room for by `rates`.
    pub(super) fn cut(&mut self, time: BatchTime, reach: Reach, rates: &mut Rates) -> Result<Cut, RunError> {
        let mut all = Cut::default();
        let num_intervals = rates.begin(time);
        for (index, input) in self.inputs.iter_mut().enumerate() {
            let failed = |error| RunError::Source { name: input.name.clone(), error };
            let partitions = match &mut input.kind {
                Kind::Received(intake) => {
                    let upto = (reach == Reach::UpToTime).then_some(time);
                    let Taken { blocks, has_more } = intake.take(upto, rates.received(index, reach));
                    rates.took(index, has_more, Vec::new());
                    rows_of(blocks, &input.schema, self.partitions, &mut all.dead).map_err(failed)?
                }
                Kind::Replayable(_) if reach == Reach::Received => StageInput::new(),
                Kind::Replayable(replayable) => {
                    let room = rates.replayed(index, num_intervals, reach);
                    let splits = replayable.cut(time, self.partitions, room).map_err(failed)?;
                    rates.took(index, replayable.has_more(), splits.clone());
                    splits.into_iter().map(Input::Split).collect()
                }
            };
            all.inputs.push(partitions);
        }
        Ok(all)
    }

    /// Whether nothing will ever come any more. A receiver that failed fails the run.
    pub(super) fn is_finished(&self, reach: Reach) -> Result<bool, RunError> {
        let mut finished = true;
        for input in &self.inputs {
            finished &= match &input.kind {
                Kind::Received(intake) => intake
                    .is_finished()
                    .map_err(|error| RunError::Source { name: input.name.clone(), error })?,
                Kind::Replayable(replayable) => reach == Reach::Received || replayable.is_finished(),
            };
        }
        Ok(finished)
    }

    /// Whether a batch that takes everything can't wait: a receiver waits for room, or all have returned.
    pub(super) fn is_pressing(&self) -> bool {
        let mut intakes = self.inputs.iter().filter_map(|input| match &input.kind {
            Kind::Received(intake) => Some(intake),
            Kind::Replayable(_) => None,
        });
        intakes.clone().all(|intake| intake.has_ended()) || intakes.any(|intake| intake.is_full())
    }

    /// Asks receivers to return, with all that they have taken from the outside.
    pub(super) fn stop(&self) {
        for input in &self.inputs {
            if let Kind::Received(intake) = &input.kind {
                intake.hurry();
            }
        }
        // Receivers that have returned don't listen.
        let _ = self.stop.send(true);
    }

    /// Ends receivers without waiting for any of them.
    pub(super) fn abandon(self) {
        for input in &self.inputs {
            if let Kind::Received(intake) = &input.kind {
                intake.close();
            }
        }
        self.stop();
        self.runtime.shutdown_background();
    }
}

fn receive(runtime: &Runtime, receiver: Box<dyn Receiver>, intake: &Arc<Intake>, stop: Stop) {
    let outlet = Arc::clone(intake) as Arc<dyn Outlet>;
    let run = runtime.spawn(receiver.run(outlet, stop));
    let intake = Arc::clone(intake);
    runtime.spawn(async move {
        let result = run
            .await
            .unwrap_or_else(|error| Err(SourceError::Option(format!("its receiver panicked: {error}"))));
        intake.end(result);
    });
}

/// The rows of `blocks`, cut into partitions.
fn rows_of(
    blocks: Vec<Block>,
    schema: &SchemaRef,
    partitions: usize,
    dead: &mut Vec<DeadLetter>,
) -> Result<StageInput, SourceError> {
    let mut rows: Vec<RecordBatch> = Vec::with_capacity(blocks.len());
    for block in blocks {
        dead.extend(block.dead);
        rows.push(block.rows);
    }
    let rows = coalesce(rows, schema)?;
    Ok(cut(&rows, partitions).into_iter().map(Input::Rows).collect())
}

/// The rows worth an operator's call.
const BLOCK_ROWS: usize = 8192;

/// Cuts and joins blocks to `BLOCK_ROWS` each, and a last one. So it doesn't show in which pieces rows arrived: not
/// even to a plugin that can tell its calls apart.
fn coalesce(blocks: Vec<RecordBatch>, schema: &SchemaRef) -> Result<Vec<RecordBatch>, SourceError> {
    let mut joined = Vec::new();
    let mut small: Vec<RecordBatch> = Vec::new();
    let mut num_small = 0;
    for block in blocks {
        let mut start = 0;
        while start < block.num_rows() {
            let num_rows = (BLOCK_ROWS - num_small).min(block.num_rows() - start);
            small.push(block.slice(start, num_rows));
            start += num_rows;
            num_small += num_rows;
            if num_small == BLOCK_ROWS {
                joined.extend(concatenate(schema, &std::mem::take(&mut small))?);
                num_small = 0;
            }
        }
    }
    joined.extend(concatenate(schema, &small)?);
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn blocks_are_the_same_however_rows_arrived() {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..20_000));
        let rows = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let whole = coalesce(vec![rows.clone()], &rows.schema()).unwrap();
        assert_eq!(whole.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [8192, 8192, 3616]);
        for size in [1, 700, 8191, 8192, 8193] {
            let pieces = (0..20_000).step_by(size).map(|start| rows.slice(start, size.min(20_000 - start)));
            assert_eq!(coalesce(pieces.collect(), &rows.schema()).unwrap(), whole, "in pieces of {size}");
        }
        assert!(coalesce(vec![rows.slice(0, 0)], &rows.schema()).unwrap().is_empty());
    }
}
