//! Counts what came of each key in the last minute, in a state.
//!
//! The state is the counts of the last minute, each with its batch's time; older ones leave when the key is next heard of.
//! A key of which nothing was heard for a minute times out, and is told with 0. Beside a window, which looks at every key
//! at each slide, this costs what the batch's rows do, however many keys are known.

use tidemill_plugin::{Reject, Row, State, Timestamp, map_with_state};

const MINUTE: i64 = 60_000_000;

/// How often a key came in the last minute.
#[derive(Row)]
pub struct Recent {
    in_last_minute: i64,
}

/// Adds `value` at the time `now`, and tells how many there are of the last minute.
#[map_with_state]
pub fn last_minute(
    value: Option<i64>,
    state: &mut State<String>,
    now: Timestamp,
) -> Result<Option<Recent>, Reject> {
    let Some(count) = value else { return Ok(Some(Recent { in_last_minute: 0 })) };
    let mut counts: Vec<(i64, i64)> = state.get().map_or(Ok(vec![]), |text| serde_json::from_str(text))?;
    let Timestamp(now) = now;
    counts.retain(|(at, _)| *at > now - MINUTE);
    counts.push((now, count));
    let in_last_minute = counts.iter().map(|(_, count)| count).sum();
    state.update(serde_json::to_string(&counts)?);
    Ok(Some(Recent { in_last_minute }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Keys, Table, update_state};

    #[test]
    fn what_is_older_than_a_minute_leaves_and_a_key_that_fell_silent_is_told() {
        let (ip, none) = (Table::new().column("ip", ["10.0.0.7"]), Table::new().column::<i64>("count", []));
        let came = |count: i64| Keys::new(&ip, &[1], &Table::new().column("count", [count]));
        let at = |second: i64| Timestamp(second * 1_000_000);
        let first = update_state::<last_minute>("null", &came(3).at(at(100))).unwrap();
        assert_eq!(first.output.rows(), ["(10.0.0.7, 3)"]);
        let again = came(4).at(at(159)).with_states(&first.states, &first.kept);
        let second = update_state::<last_minute>("null", &again).unwrap();
        assert_eq!(second.output.rows(), ["(10.0.0.7, 7)"]);
        let later = came(1).at(at(160)).with_states(&second.states, &second.kept);
        assert_eq!(update_state::<last_minute>("null", &later).unwrap().output.rows(), ["(10.0.0.7, 5)"]);

        let silent = Keys::new(&ip, &[0], &none).at(at(220)).with_states(&second.states, &second.kept);
        let last = update_state::<last_minute>("null", &silent.timed_out(&[true])).unwrap();
        assert_eq!((last.output.rows(), last.kept), (vec!["(10.0.0.7, 0)".to_owned()], vec![false]));
    }
}
