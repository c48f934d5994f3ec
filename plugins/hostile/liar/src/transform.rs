//! Plans and answers of the transform.

use crate::bindings::exports::tidemill::plugin::transform::{Output, Plan};
use crate::bindings::tidemill::plugin::types::{Batch, Column, DataType, Field, Reject, Values, Varlen};

/// The plan: the line is read, `text` and `size` are produced.
pub fn plan(lie: &str) -> Result<Plan, String> {
    let field = |name: &str, data_type| Field { name: name.into(), data_type, nullable: false };
    let mut plan = Plan {
        reads: vec![0],
        carries: vec![],
        produces: vec![field("text", DataType::Utf8), field("size", DataType::Int64)],
    };
    match lie {
        "it reads a column that isn't there" => plan.reads = vec![7],
        "it carries a column that isn't there" => plan.carries = vec![u32::MAX],
        "two columns of one name" => plan.produces[1].name = "text".into(),
        "a column without a name" => plan.produces[1].name = String::new(),
        "a column with a long name" => plan.produces[1].name = "n".repeat(256),
        "too many columns" => {
            plan.produces = (0..1001).map(|n| field(&format!("c{n}"), DataType::Int64)).collect();
        }
        "it refuses at length" => return Err("no ".repeat(1 << 20)),
        _ => {}
    }
    Ok(plan)
}

/// The answer for a batch of lines.
pub fn output(lie: &str, input: Batch) -> Result<Output, String> {
    let rows = input.rows;
    let Some(Column { values: Values::Utf8(lines), .. }) = input.columns.into_iter().next() else {
        return Err("a text is wanted".into());
    };
    let sizes = lines.offsets.windows(2).map(|pair| i64::from(pair[1] - pair[0])).collect();
    let mut output =
        Output { batch: Batch { rows, columns: columns(lie, lines, sizes) }, origins: None, rejects: vec![] };
    match lie {
        "a column is missing" => drop(output.batch.columns.pop()),
        "a column too many" => output.batch.columns.push(column(Values::Int64(vec![0; rows as usize]))),
        "more rows than it has" => output.batch.rows += 1,
        "four thousand million rows" => output.batch.rows = u32::MAX,
        "no rows and no origins" => output.batch = empty(),
        "an origin that isn't there" => output.origins = Some((1..=rows).collect()),
        "fewer origins than rows" => output.origins = Some((1..rows).collect()),
        "more origins than rows" => output.origins = Some(vec![0; rows as usize + 1]),
        "it rejects a row that isn't there" => output.rejects = vec![reject(rows)],
        "it rejects a row and answers it" => output.rejects = vec![reject(0)],
        "it rejects at length" => {
            let reason = "no ".repeat(1 << 20);
            output =
                Output { batch: empty(), origins: Some(vec![]), rejects: vec![Reject { row: 0, reason }] };
        }
        _ => {}
    }
    Ok(output)
}

fn columns(lie: &str, mut text: Varlen, mut sizes: Vec<i64>) -> Vec<Column> {
    let rows = sizes.len();
    let last = text.offsets.len() - 1;
    match lie {
        "offsets that descend" => text.offsets[1] = u32::MAX,
        "offsets beyond the data" => text.offsets[last] += 1,
        "offsets that end before the data" => text.data.push(b'!'),
        "offsets that don't begin at 0" => text.offsets[0] = 1,
        "too few offsets" => drop(text.offsets.pop()),
        "no offsets" => text.offsets.clear(),
        "text that isn't UTF-8" => text.data[0] = 0xff,
        "text cut within a character" => {
            text =
                Varlen { offsets: (0..=rows as u32).collect(), data: "é".repeat(rows.div_ceil(2)).into() };
            text.data.truncate(rows);
        }
        "fewer values than rows" => drop(sizes.pop()),
        "more values than rows" => sizes.push(0),
        _ => {}
    }
    let mut columns = vec![column(Values::Utf8(text)), column(Values::Int64(sizes))];
    match lie {
        "a column of another type" => columns[1].values = Values::Float64(vec![0.5; rows]),
        "bytes for text" => {
            let Values::Utf8(text) = std::mem::replace(&mut columns[0].values, Values::Int64(vec![])) else {
                return columns;
            };
            columns[0].values = Values::Binary(text);
        }
        "a null where none may be" => columns[1].valid = Some((0..rows).map(|row| row > 0).collect()),
        "fewer flags than rows" => columns[1].valid = Some(vec![true; rows - 1]),
        _ => {}
    }
    columns
}

fn column(values: Values) -> Column {
    Column { values, valid: None }
}

fn empty() -> Batch {
    let text = Varlen { offsets: vec![0], data: vec![] };
    Batch { rows: 0, columns: vec![column(Values::Utf8(text)), column(Values::Int64(vec![]))] }
}

fn reject(row: u32) -> Reject {
    Reject { row, reason: "a lie".into() }
}
