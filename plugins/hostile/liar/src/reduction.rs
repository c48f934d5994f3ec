//! Answers of the reduction.

use crate::bindings::tidemill::plugin::types::{Batch, Column, Values};

/// The first number of each group.
pub fn answer(lie: &str, ends: &[u32], values: Batch) -> Batch {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let numbers = values.columns.into_iter().find_map(|column| match column.values {
        Values::Int64(numbers) => Some(numbers),
        _ => None,
    });
    let numbers = numbers.unwrap_or_default();
    let mut firsts: Vec<i64> =
        starts.take(ends.len()).filter_map(|start| numbers.get(start as usize).copied()).collect();
    let mut rows = ends.len() as u32;
    match lie {
        "fewer rows than keys" => {
            rows -= 1;
            firsts.pop();
        }
        "more rows than keys" => {
            rows += 1;
            firsts.push(0);
        }
        "fewer values than rows" => drop(firsts.pop()),
        _ => {}
    }
    let column = |values| Column { values, valid: None };
    let columns = match lie {
        "a column is missing" => vec![],
        "a column of another type" => vec![column(Values::Float64(vec![0.5; rows as usize]))],
        "a null where none may be" => {
            vec![Column { values: Values::Int64(firsts), valid: Some(vec![false; rows as usize]) }]
        }
        _ => vec![column(Values::Int64(firsts))],
    };
    Batch { rows, columns }
}
