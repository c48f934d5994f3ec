//! A running sum of each key, with what was said last.

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
#[map_with_state]
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
