//! `transform`: a plugin maps, filters or flat-maps the rows of a stream.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Fields, Schema, SchemaRef};
use serde::Deserialize;

use super::{Factory, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo, plugin_of};
use crate::plugin::{Call, Plugin, PluginFailure, Rejected, TransformPlan, Transformed, Transformer};
use crate::record::{DeadLetter, DeadLetterKind, json_rows};

/// The options of `transform`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
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
        };
        Ok(Opened { schema, shape: Shape::Narrow(Arc::new(factory)) })
    }
}

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
}

impl Factory for TransformFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Transforming {
            transformer: self.plugin.transformer(&self.stream, &self.input)?,
            plugin: Arc::clone(&self.plugin),
            stream: self.stream.clone(),
            output: Arc::clone(&self.output),
        }))
    }
}

struct Transforming {
    transformer: Box<dyn Transformer>,
    plugin: Arc<dyn Plugin>,
    stream: String,
    output: SchemaRef,
}

impl Process for Transforming {
    fn process(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let columns = self.read(block);
        if block.num_rows() > 1 && bytes_of(&columns) > self.transformer.max_input().0 {
            let (first, second) = halves(block);
            self.process(&first, task, out)?;
            return self.process(&second, task, out);
        }
        let call = Call { time: task.time, partition: task.partition };
        let answer = self.transformer.process(&call, &columns, block.num_rows())?;
        self.set_aside(block, &answer.rejects, out)?;
        if answer.num_rows > 0 {
            out.blocks.push(self.assemble(block, answer)?);
        }
        Ok(())
    }
}

impl Transforming {
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
            let row = json_rows(&block.slice(reject.row, 1))?.pop().unwrap_or_default();
            out.dead.push(DeadLetter {
                origin: self.stream.clone(),
                kind: DeadLetterKind::Reject,
                reason: reject.reason.clone(),
                position: None,
                plugin: Some(self.plugin.id().clone()),
                row,
            });
        }
        Ok(())
    }
}

/// The rows of `block`, first half and second half.
fn halves(block: &RecordBatch) -> (RecordBatch, RecordBatch) {
    let middle = block.num_rows() / 2;
    (block.slice(0, middle), block.slice(middle, block.num_rows() - middle))
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
