//! Counts the visits of each client from batch to batch, and tells a client that hasn't come for too long.
//!
//! State as authors write it: a row of two columns, of a key of two columns, with the batch's time. A visit to
//! `/logout` ends the count, so that the next visit begins a new one.

use tidemill_plugin::{Reject, Row, State, Timestamp, config, map_with_state};

/// Whose visits are counted.
#[derive(Row)]
pub struct Client<'a> {
    client: &'a str,
    port: i64,
}

/// What is kept of a client.
#[derive(Row)]
pub struct Seen {
    visits: i64,
    last_path: String,
}

/// What is told of a client.
#[derive(Row)]
pub struct Told {
    visits: i64,
    what: String,
    at: Timestamp,
}

/// What paths are allowed.
#[config]
pub struct Config {
    #[serde(default)]
    forbidden: Option<String>,
}

/// Tells each visit with its number, and the last path of a client that left.
#[map_with_state]
pub fn visits(
    key: Client<'_>,
    value: Option<&str>,
    state: &mut State<Seen>,
    now: Timestamp,
    config: &Config,
) -> Result<Option<Told>, Reject> {
    let visits = state.get().map_or(0, |seen| seen.visits);
    let Some(path) = value else {
        let last = state.get().map_or("", |seen| &seen.last_path);
        return Ok(Some(Told { visits, what: format!("{}:{} left {last}", key.client, key.port), at: now }));
    };
    if config.forbidden.as_deref() == Some(path) {
        return Err(Reject::new(format!("{path} is forbidden")));
    }
    if path == "/logout" {
        state.remove();
        return Ok(None);
    }
    state.update(Seen { visits: visits + 1, last_path: path.to_owned() });
    Ok(Some(Told { visits: visits + 1, what: path.to_owned(), at: now }))
}
