//! What `tidemill test` is given.

use std::path::PathBuf;

use clap::Args;

use super::super::args::InputSchema;
use crate::plugin::Interface;
use crate::record::BatchTime;

/// What is printed under the help of `test`.
pub const EXAMPLES: &str = "\
Prints the rows that come out, then those refused with the reason, then the states, as JSON lines; exit code 1 where the
call fails or something else than expected comes out.

Examples:
  tidemill test split.wasm --input lines.txt
  tidemill test total.wasm --input orders.jsonl --columns 'item: utf8, price: float64?' --config '{\"limit\": 3}'
  tidemill test sum.wasm --input orders.jsonl --columns 'item: utf8, price: float64' --key item --expect sums.jsonl
  tidemill test visits.wasm --input visits.jsonl --columns 'who: utf8, page: utf8' --key who --state states.jsonl";

/// What `test` is given.
#[derive(Clone, Debug, Args)]
pub struct TestArgs {
    /// The plugin: a component or core module
    #[arg(value_name = "PLUGIN")]
    pub plugin: PathBuf,

    /// The rows: JSON lines, or lines of text where there are no `--columns`; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,

    /// The columns of the rows; `?` behind a type that may be null [default: line: utf8]
    #[arg(long, value_name = "COLUMNS")]
    pub columns: Option<InputSchema>,

    /// The columns that make the key, for a plugin that sees keys; without it, all rows have the same key
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub key: Vec<String>,

    /// The rows of the second stream, for a cogroup
    #[arg(long, value_name = "FILE")]
    pub right: Option<PathBuf>,

    /// Their columns, of which the key is named alike [default: those of `--columns`]
    #[arg(long, value_name = "COLUMNS")]
    pub right_columns: Option<InputSchema>,

    /// The states of keys: read where the file is there, and written after the call
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Tell the plugin of keys with a state and no rows that they have timed out
    #[arg(long, requires = "state")]
    pub time_out: bool,

    /// The plugin's config, as JSON
    #[arg(long, value_name = "JSON", default_value = "null", value_parser = json, hide_default_value = true)]
    pub config: serde_json::Value,

    /// A limit as in the manifest, such as time=5s or memory=32MiB; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = limit)]
    pub limit: Vec<(String, toml::Value)>,

    /// The time of the batch
    #[arg(long, value_name = "TIME", default_value = "2000-01-01T00:00:00Z")]
    pub time: BatchTime,

    /// What to call, where the plugin exports more than one: transform, reduce, aggregate, cogroup, update-state
    #[arg(long = "as", value_name = "KIND", value_parser = kind)]
    pub kind: Option<Interface>,

    /// Compare what comes out with the lines of this file
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,

    /// Make the call so many times, and say how long one takes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), hide_default_value = true)]
    pub repeat: u32,
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))
}

fn limit(text: &str) -> Result<(String, toml::Value), String> {
    let (key, value) = text.split_once('=').ok_or("write a limit and its value, as in time=5s")?;
    let value = value.parse().map_or_else(|_| toml::Value::String(value.to_owned()), toml::Value::Integer);
    Ok((key.to_owned(), value))
}

fn kind(text: &str) -> Result<Interface, String> {
    Interface::ALL
        .into_iter()
        .find(|known| known.name() == text && !known.is_companion())
        .ok_or_else(|| "the kinds are transform, reduce, aggregate, cogroup and update-state".to_owned())
}
