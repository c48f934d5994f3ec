//! Configs: what a manifest gives a plugin, as JSON.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads a plugin's config. Where the manifest gives none, it is read from an empty table, so that a
/// config all of whose keys have defaults may be left out.
///
/// # Errors
/// A text for the author of the manifest that says what is wrong.
///
/// ```
/// #[tidemill_plugin::config]
/// #[derive(Debug, PartialEq)]
/// struct Config {
///     #[serde(default)]
///     limit: i64,
/// }
/// assert_eq!(tidemill_plugin::parse_config("null"), Ok(Config { limit: 0 }));
/// let error = tidemill_plugin::parse_config::<Config>(r#"{"limt": 3}"#).unwrap_err();
/// assert_eq!(error, "config: unknown field `limt`, expected `limit`");
/// ```
pub fn parse_config<C: DeserializeOwned>(json: &str) -> Result<C, String> {
    let value = serde_json::from_str(json).map_err(|e| format!("config: not JSON: {e}"))?;
    let value = match value {
        Value::Null => Value::Object(Map::new()),
        value => value,
    };
    serde_json::from_value(value).map_err(|e| format!("config: {e}"))
}

/// Checks that a plugin without a config is given none.
///
/// # Errors
/// Where the manifest gives one.
pub fn no_config(json: &str) -> Result<(), String> {
    match json.trim() {
        "null" | "{}" => Ok(()),
        _ => Err("config: this plugin takes none".into()),
    }
}
