//! Says which version of itself it is, and does what the name of the version says: `trap` and `refuse`.
//!
//! The name stands in the file as text of a fixed length, so that tests make versions of one build by writing over it.

use std::hint::black_box;

use tidemill_plugin::{Reject, Row, map};

static VERSION: [u8; 32] = *b"version:plain                   ";

/// A line with the version that saw it.
#[derive(Row)]
pub struct Said {
    said: String,
}

/// Puts the version before `line`. No version takes the line `bad`.
#[map]
pub fn versioned(line: &str) -> Result<Said, Reject> {
    let version = std::str::from_utf8(black_box(&VERSION)).unwrap_or_default();
    let version = version.trim_start_matches("version:").trim_end();
    match version {
        _ if line == "bad" => Err(Reject::new("no version takes this line")),
        #[allow(clippy::panic, reason = "to trap is what it is for")]
        "trap" => panic!("this version always fails"),
        "refuse" => Err(Reject::new("this version takes no line")),
        _ => Ok(Said { said: format!("{version} {line}") }),
    }
}
