//! What serde says of a value, in our words, and names that a user may have meant.
//!
//! Serde's messages have a fixed form, which is all there is to tell an unknown key from a wrong type. A message
//! of another form is passed on as it is, so a change of theirs costs wording and nothing else.

use toml::de::DeValue;

/// What is wrong with a value, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) problem: String,
    pub(super) remedy: String,
    /// The key that is missing, where one is.
    pub(super) missing: Option<String>,
}

impl Finding {
    fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into(), missing: None }
    }
}

/// `message`, said of `value`, in our words. A table may have the keys `more_keys` besides those that serde knows.
pub(super) fn translate(message: &str, value: Option<&DeValue<'_>>, more_keys: &[&str]) -> Finding {
    if let Some((name, known)) = unknown(message, "unknown field `") {
        let keys: Vec<&str> = more_keys.iter().copied().chain(known).collect();
        return Finding::new(format!("unknown key `{name}`"), suggest_among(name, &keys, "keys"));
    }
    if let Some((name, known)) = unknown(message, "unknown variant `") {
        return Finding::new(format!("unknown value `{name}`"), suggest_among(name, &known, "values"));
    }
    if let Some(key) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let missing = Some(key.to_owned());
        return Finding { missing, ..Finding::new(format!("the key `{key}` is missing"), "add it") };
    }
    let mismatch = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, wanted)) = mismatch.and_then(|rest| rest.rsplit_once(", expected ")) {
        let found = value.map_or_else(|| found.to_owned(), describe);
        return Finding::new(format!("found {found}"), format!("write {}", wanted_words(wanted)));
    }
    if let (Some(wanted), Some(value)) = (message.strip_prefix("expected "), value) {
        return Finding::new(format!("found {}", describe(value)), format!("write {wanted}"));
    }
    match message.split_once("; ") {
        Some((problem, remedy)) => Finding::new(problem, remedy),
        None => Finding::new(message, ""),
    }
}

/// The name in a message that begins with `start`, and the names that serde knows.
fn unknown<'m>(message: &'m str, start: &str) -> Option<(&'m str, Vec<&'m str>)> {
    let rest = message.strip_prefix(start)?;
    if let Some((name, known)) = rest.rsplit_once("`, expected ") {
        return Some((name, known.split('`').skip(1).step_by(2).collect()));
    }
    let (name, _) = rest.rsplit_once("`, there are no ")?;
    Some((name, Vec::new()))
}

/// A value as a message shows it: its type, and itself where it is short.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 40 => format!("the string {text:?}"),
        DeValue::String(_) => "a long string".to_owned(),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => format!("{flag}"),
        DeValue::Datetime(time) => format!("the time {time}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// What serde expects, for people.
fn wanted_words(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list, as in [\"a\", \"b\"]",
        "path string" => "a path in quotes",
        "a string" | "a borrowed string" => "a string in quotes",
        "a map" => "a table",
        _ if expected.starts_with("a nonzero ") => "a whole number, 1 or more",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    }
}

/// What to do about `name`, which is not among `known`, all of which are `what`.
pub(super) fn suggest_among(name: &str, known: &[&str], what: &str) -> String {
    match (nearest(name, known.iter().copied()), known) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => format!("leave it out, there are no {what} here"),
        (None, [only]) => format!("leave it out or write `{only}`, there are no other {what}"),
        (None, _) => format!("the {what} are {}", listed(known)),
    }
}

/// The name among `known` that differs from `name` by a slip or two of the fingers.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let num_chars = name.chars().count();
    if num_chars > 64 {
        return None;
    }
    let near =
        known.map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), candidate), candidate));
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1.max(num_chars / 3)).then_some(candidate)
}

/// Names for a message: `a`, `b` and `c`.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
