//! `group_by_key`: all values of each key, as a JSON list in a column. A `cogroup` makes such lists of two streams.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, SchemaRef};
use serde::Deserialize;

use super::sides::{ByKey, Sides, SidesPlan};
use super::window::windowed;
use super::{
    Exchange, Factory, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo, Wide,
    WindowSpec,
};
use crate::record::json_rows;

/// The options of `group_by_key`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupByKey {
    /// The columns that make the key.
    pub key: Vec<String>,
    /// What it groups over, where that is more than a batch.
    pub window: Option<WindowSpec>,
}

/// The column of the values of a lone stream.
const VALUES: &str = "values";

impl Operator for GroupByKey {
    fn kind(&self) -> &'static str {
        "group_by_key"
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let plan = SidesPlan::new(opening.inputs, &[&self.key])?;
        let schema = plan.output([list_field(VALUES)])?;
        let key = plan.keys().into_iter().next().unwrap_or_default();
        let exchange = Exchange::ByKey(key);
        let after: Arc<dyn Factory> =
            Arc::new(GroupFactory { plan, schema: Arc::clone(&schema), lists: Lists::Make });
        let Some(window) = self.window else {
            let wide = Wide::exchange(exchange, Some(after));
            return Ok(Opened { shape: Shape::Wide(wide), ..Opened::new(opening, schema) });
        };
        let window = window.resolve(opening)?;
        let plan = SidesPlan::new(std::slice::from_ref(&schema), &[&self.key])?;
        let again = Arc::new(GroupFactory { plan, schema: Arc::clone(&schema), lists: Lists::Join });
        let wide = windowed(opening, window, None, exchange, after, again);
        let (shape, every) = (Shape::Wide(wide), window.pace());
        Ok(Opened { shape, every, keeps: true, ..Opened::new(opening, schema) })
    }
}

/// A column of lists.
pub(super) fn list_field(name: &str) -> Arc<Field> {
    Arc::new(Field::new(name, DataType::Utf8, false))
}

/// What becomes of the values of a key.
#[derive(Clone, Copy)]
pub(super) enum Lists {
    /// They become a list.
    Make,
    /// They are lists, and become one.
    Join,
}

/// Makes what makes lists.
pub(super) struct GroupFactory {
    pub(super) plan: SidesPlan,
    pub(super) schema: SchemaRef,
    pub(super) lists: Lists,
}

impl Factory for GroupFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        let (sides, schema) = (Sides::new(&self.plan)?, Arc::clone(&self.schema));
        Ok(Box::new(Grouping { sides, schema, lists: self.lists }))
    }
}

struct Grouping {
    sides: Sides,
    schema: SchemaRef,
    lists: Lists,
}

impl Process for Grouping {
    fn process(&mut self, block: &RecordBatch, task: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        self.sides.add(task.input, block)
    }

    fn finish(&mut self, _: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let Some(by_key) = self.sides.take()? else { return Ok(()) };
        let mut columns = by_key.keys.clone();
        for input in 0..by_key.sides.len() {
            columns.push(Arc::new(lists(&by_key, input, self.lists)?));
        }
        out.blocks.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
        Ok(())
    }
}

/// The values of input `input`, a list a key.
fn lists(by_key: &ByKey, input: usize, lists: Lists) -> Result<StringArray, OperatorError> {
    let Some(side) = by_key.sides.get(input) else { return Ok(StringArray::from(Vec::<String>::new())) };
    let items = match lists {
        Lists::Make => items(&side.values)?,
        Lists::Join => {
            let lists = side.values.columns().first().map(|column| column.as_string::<i32>().iter());
            let inner =
                lists.into_iter().flatten().map(|list| list.and_then(|list| list.get(1..list.len() - 1)));
            inner.map(|inner| inner.unwrap_or_default().to_owned()).collect()
        }
    };
    let mut start = 0;
    let ends = by_key.ends(input);
    Ok(StringArray::from_iter_values(ends.into_iter().map(|end| {
        let rows = start as usize..end as usize;
        start = end;
        let items = items.get(rows).unwrap_or_default().iter().filter(|item| !item.is_empty());
        let items: Vec<&str> = items.map(String::as_str).collect();
        format!("[{}]", items.join(","))
    })))
}

/// Each row as JSON: a lone column as its value, several as an object.
fn items(values: &RecordBatch) -> Result<Vec<String>, OperatorError> {
    let rows = json_rows(values)?;
    Ok(match values.num_columns() {
        1 => rows
            .into_iter()
            .map(|row| match row {
                serde_json::Value::Object(fields) => {
                    fields.into_iter().next().map_or_else(String::new, |f| f.1.to_string())
                }
                other => other.to_string(),
            })
            .collect(),
        _ => rows.iter().map(serde_json::Value::to_string).collect(),
    })
}
