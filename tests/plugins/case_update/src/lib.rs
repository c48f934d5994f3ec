//! A running sum of each key, with what was said last. Two earlier versions kept a sum alone, and a total with a note.

use tidemill_plugin::{Reject, Row, State, Timestamp, map_with_state};

/// What comes in for a key.
#[derive(Row)]
pub struct Value {
    n: i64,
    note: Option<String>,
}

/// What is kept of a key.
#[derive(Row, Clone)]
pub struct Kept {
    sum: i64,
    last: Option<String>,
}

/// What comes out.
#[derive(Row)]
pub struct Answer {
    sum: i64,
    at: Timestamp,
}

/// Adds up; 0 forgets the key, 13 fails, and a key that times out tells its sum once more.
#[map_with_state(migrate = [from_sum, from_total])]
pub fn add_up(
    key: &str,
    value: Option<Value>,
    state: &mut State<Kept>,
    now: Timestamp,
) -> Result<Option<Answer>, Reject> {
    let before = state.get().cloned().unwrap_or(Kept { sum: 0, last: None });
    let Some(value) = value else {
        return Ok(Some(Answer { sum: before.sum, at: now }));
    };
    match value.n {
        0 => {
            state.remove();
            Ok(None)
        }
        13 => Err(Reject::new(format!("13 at {key}"))),
        n => {
            let sum = before.sum + n;
            state.update(Kept { sum, last: value.note.or(before.last) });
            Ok(Some(Answer { sum, at: now }))
        }
    }
}

/// What the second version kept.
#[derive(Row)]
pub struct Total {
    total: f64,
    note: Option<String>,
}

fn from_sum(sum: i64) -> Result<Kept, Reject> {
    if sum < 0 {
        return Err(Reject::new(format!("the sum {sum} is negative")));
    }
    Ok(Kept { sum, last: None })
}

fn from_total(earlier: Total) -> Kept {
    Kept { sum: earlier.total as i64, last: earlier.note }
}
