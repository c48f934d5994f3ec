//! `transform`: a plugin maps, filters or flat-maps the rows of a stream.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::{Fields, Schema, SchemaRef};
use serde::Deserialize;

use super::poison::{Blame, Cause};
use super::scope::{Scope, Waiting};
use super::{
    Exchange, Factory, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo, Wide,
    plugin_of,
};
use crate::plugin::{
    Call, Plugin, PluginError, PluginFailure, Rejected, TransformPlan, Transformed, Transformer,
};
use crate::record::{Bytes, DeadLetterKind, json_rows};

/// The options of `transform`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
    /// How much of the stream the plugin sees in one call.
    #[serde(default)]
    pub scope: Scope,
}

impl Operator for Transform {
    fn kind(&self) -> &'static str {
        "transform"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let input = opening.input()?;
        let plugin = plugin_of(opening)?;
        let plan = plugin.transformer(opening.stream, input)?.plan().clone();
        let schema = output_schema(&plan, input)?;
        let factory = TransformFactory {
            plugin: Arc::clone(plugin),
            stream: opening.stream.to_owned(),
            input: Arc::clone(input),
            output: Arc::clone(&schema),
            scope: self.scope,
            blame: Arc::new(Blame::new(opening.tolerance, opening.stream, plugin.as_ref())),
        };
        let factory = Arc::new(factory);
        let shape = match self.scope {
            Scope::Rows | Scope::Partition => Shape::Narrow(factory),
            Scope::Batch => {
                Shape::Wide(Wide { spread: true, ..Wide::exchange(Exchange::Gather, Some(factory)) })
            }
        };
        Ok(Opened { shape, ..Opened::new(opening, schema) })
    }
}

/// What a call is given at most, where it may be given any number of rows: so much that what a call costs doesn't show,
/// so little that what goes in and comes out stays in the cache of a core.
const CALL_BYTES: u64 = 128 << 10;

/// What is carried, then what is produced.
fn output_schema(plan: &TransformPlan, input: &SchemaRef) -> Result<SchemaRef, OperatorError> {
    let carried = plan.carries.iter().filter_map(|&column| input.fields().get(column).cloned());
    let fields: Fields = carried.chain(plan.produces.iter().cloned()).collect();
    for (i, field) in fields.iter().enumerate() {
        if fields.iter().skip(i + 1).any(|other| other.name() == field.name()) {
            let problem = format!(
                "the plugin produces a column `{}` beside a carried one of that name; rename one of them",
                field.name()
            );
            return Err(OperatorError::Option { key: "plugin", problem });
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

struct TransformFactory {
    plugin: Arc<dyn Plugin>,
    stream: String,
    input: SchemaRef,
    output: SchemaRef,
    scope: Scope,
    blame: Arc<Blame>,
}

impl Factory for TransformFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Transforming {
            transformer: self.plugin.transformer(&self.stream, &self.input)?,
            output: Arc::clone(&self.output),
            waiting: Waiting::new(self.scope, Arc::clone(&self.input)),
            scope: self.scope,
            plugin: self.plugin.id().name.clone(),
            blame: Arc::clone(&self.blame),
        }))
    }
}

struct Transforming {
    transformer: Box<dyn Transformer>,
    output: SchemaRef,
    waiting: Waiting,
    scope: Scope,
    plugin: String,
    blame: Arc<Blame>,
}

impl Process for Transforming {
    fn process(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let num_bytes = bytes_of(&self.read(block));
        let due = self.waiting.add(block, num_bytes, self.transformer.max_input().0)?;
        due.iter().try_for_each(|block| self.transform_in_calls(block, task, out))
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        match self.waiting.take()? {
            Some(block) => self.transform_in_calls(&block, task, out),
            None => Ok(()),
        }
    }
}

impl Transforming {
    /// In calls of about the same size, as many as it takes for none to be large; where rows are to be seen whole, in one.
    fn transform_in_calls(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let num_calls = match self.scope {
            Scope::Rows => 1 + usize::try_from(bytes_of(&self.read(block)) / CALL_BYTES).unwrap_or(0),
            Scope::Partition | Scope::Batch => 1,
        };
        if num_calls == 1 {
            return self.transform(block, task, out);
        }
        let step = block.num_rows().div_ceil(num_calls).max(1);
        (0..block.num_rows()).step_by(step).try_for_each(|start| {
            let num_rows = step.min(block.num_rows() - start);
            self.transform(&block.slice(start, num_rows), task, out)
        })
    }

    fn transform(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let (bytes, max) = (Bytes(bytes_of(&self.read(block))), self.transformer.max_input());
        if block.num_rows() > 1 && bytes.0 > max.0 {
            let num_rows = block.num_rows();
            return match self.scope.whole() {
                None => self.halve(block, task, out),
                Some(what) => {
                    let plugin = self.plugin.clone();
                    Err(OperatorError::TooLargeForOneCall { plugin, what, num_rows, bytes, max })
                }
            };
        }
        match self.call(block, task) {
            Ok(answer) => self.put_out(block, answer, out),
            Err(error) => self.recover(block, error, task, out),
        }
    }

    fn call(&mut self, block: &RecordBatch, task: &TaskInfo) -> Result<Transformed, PluginError> {
        let call = Call { time: task.time, partition: task.partition };
        self.transformer.process(&call, &self.read(block), block.num_rows())
    }

    fn call_anew(&mut self, block: &RecordBatch, task: &TaskInfo) -> Result<Transformed, PluginError> {
        self.transformer.renew();
        self.call(block, task)
    }

    /// Processes the rows of `block`, first half and second half.
    fn halve(&mut self, block: &RecordBatch, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let middle = block.num_rows() / 2;
        self.transform(&block.slice(0, middle), task, out)?;
        self.transform(&block.slice(middle, block.num_rows() - middle), task, out)
    }

    /// Sets aside the rows of `block` that fail alone, and processes the others as if they had never been there.
    fn recover(
        &mut self,
        block: &RecordBatch,
        error: PluginError,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let blame = Arc::clone(&self.blame);
        blame.pardon(task.time, error)?;
        // The instance may have failed over what it did before.
        let cause = match self.call_anew(block, task) {
            Ok(answer) => return self.put_out(block, answer, out),
            Err(error) => blame.pardon(task.time, error)?,
        };
        self.call_anew(&block.slice(0, 0), task).map_err(OperatorError::FailsWithoutRows)?;
        let reason = cause.reason.clone();
        let poison = blame.search(task.time, 0..block.num_rows(), cause, &mut |rows| {
            self.call_anew(&block.slice(rows.start, rows.len()), task).map(drop)
        })?;
        if poison.is_empty() {
            // Its rows fail only in company.
            return match self.scope.whole() {
                None => self.halve(block, task, out),
                Some(what) => Err(OperatorError::FailsOnWhole { plugin: self.plugin.clone(), reason, what }),
            };
        }
        let mut is_good = vec![true; block.num_rows()];
        for (row, cause) in poison {
            is_good.get_mut(row).into_iter().for_each(|good| *good = false);
            out.dead.push(blame.letter(cause, json_row(block, row)?));
        }
        let rest = filter_record_batch(block, &BooleanArray::from(is_good))?;
        if rest.num_rows() == 0 { Ok(()) } else { self.transform(&rest, task, out) }
    }

    fn put_out(
        &self,
        block: &RecordBatch,
        answer: Transformed,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        self.set_aside(block, &answer.rejects, out)?;
        if answer.num_rows > 0 {
            out.blocks.push(self.assemble(block, answer)?);
        }
        Ok(())
    }

    fn read(&self, block: &RecordBatch) -> Vec<ArrayRef> {
        self.transformer
            .plan()
            .reads
            .iter()
            .filter_map(|&column| block.columns().get(column).cloned())
            .collect()
    }

    fn assemble(&self, block: &RecordBatch, answer: Transformed) -> Result<RecordBatch, OperatorError> {
        let origins = answer.origins.map(UInt32Array::from);
        let carried =
            self.transformer.plan().carries.iter().filter_map(|&column| block.columns().get(column));
        let mut columns = carried
            .map(|column| match &origins {
                Some(origins) => take(column, origins, None),
                None => Ok(Arc::clone(column)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        columns.extend(answer.columns);
        let options = RecordBatchOptions::new().with_row_count(Some(answer.num_rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options)?)
    }

    fn set_aside(
        &self,
        block: &RecordBatch,
        rejects: &[Rejected],
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        for reject in rejects {
            let cause = Cause { kind: DeadLetterKind::Reject, reason: reject.reason.clone() };
            out.dead.push(self.blame.letter(cause, json_row(block, reject.row)?));
        }
        Ok(())
    }
}

fn json_row(block: &RecordBatch, row: usize) -> Result<serde_json::Value, OperatorError> {
    Ok(json_rows(&block.slice(row, 1))?.pop().unwrap_or_default())
}

/// About how many bytes `columns` take in a call.
pub(super) fn bytes_of(columns: &[ArrayRef]) -> u64 {
    crate::plugin::call_bytes(columns)
}

/// The error of a filter's plugin that produces columns.
pub(super) fn not_a_filter(plugin: &dyn Plugin, stream: &str) -> OperatorError {
    OperatorError::Plugin(crate::plugin::PluginError {
        plugin: plugin.id().name.clone(),
        stream: Some(stream.to_owned()),
        failure: PluginFailure::Unsuitable(
            "it produces columns or drops some, and a filter carries all and produces none; use `op = \"transform\"`".to_owned(),
        ),
    })
}
