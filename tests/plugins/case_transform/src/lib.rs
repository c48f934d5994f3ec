//! Answers columns of all types as they are. What `s` says may be something else to do.

use tidemill_plugin::{Reject, Row, Timestamp, config, flat_map};

/// A row with a column of each type.
#[derive(Clone, Row)]
pub struct All {
    b: Option<bool>,
    i: Option<i64>,
    f: Option<f64>,
    s: Option<String>,
    y: Option<Vec<u8>>,
    t: Option<Timestamp>,
}

/// What is put before `s`.
#[config]
pub struct Config {
    #[serde(default)]
    tag: String,
}

/// The row, with the tag; nothing, twice, a refusal or a failure where `s` says so.
#[flat_map]
#[expect(clippy::panic, reason = "a case is about that")]
pub fn all_types(
    b: Option<bool>,
    i: Option<i64>,
    f: Option<f64>,
    s: Option<&str>,
    y: Option<&[u8]>,
    t: Option<Timestamp>,
    config: &Config,
) -> Result<Vec<All>, Reject> {
    let times = match s {
        Some("refuse") => return Err(Reject::new("the row is refused")),
        Some("fail") => panic!("the function fails"),
        Some("nothing") => 0,
        Some("twice") => 2,
        _ => 1,
    };
    let s = s.map(|s| format!("{}{s}", config.tag));
    Ok(vec![All { b, i, f, s, y: y.map(<[u8]>::to_vec), t }; times])
}
