//! `${NAME}` in the strings of a manifest becomes the value of an environment variable; `$${` stays `${`.

use std::env::VarError;

use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Place};

/// Looks a variable up.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Result<String, VarError>;

/// Replaces variables in every string of `table`, which stands at `path`.
pub(super) fn substitute(table: &mut DeTable<'_>, path: &str, lookup: Lookup<'_>) -> Result<(), Fault> {
    for (key, value) in table.iter_mut() {
        let key = key.get_ref();
        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        substitute_value(value.get_mut(), &path, lookup)?;
    }
    Ok(())
}

fn substitute_value(value: &mut DeValue<'_>, path: &str, lookup: Lookup<'_>) -> Result<(), Fault> {
    match value {
        DeValue::String(text) if text.contains("${") => {
            *text = expand(text, lookup)
                .map_err(|message| Fault::from_message(Place::item(path), &message))?
                .into();
            Ok(())
        }
        DeValue::Table(table) => substitute(table, path, lookup),
        DeValue::Array(values) => {
            let mut values = values.iter_mut();
            values.try_for_each(|value| substitute_value(value.get_mut(), path, lookup))
        }
        _ => Ok(()),
    }
}

fn expand(text: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        let Some((name, after)) = after.split_once('}') else {
            return Err("`${` has no `}` behind it; close it, or write `$${` for a plain `${`".to_owned());
        };
        expanded.push_str(before);
        expanded.push_str(&variable(name, lookup)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn variable(name: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(format!(
            "`${{{name}}}` does not name an environment variable; use letters, digits and `_`, or write `$${{` for a plain `${{`"
        ));
    }
    lookup(name).map_err(|error| match error {
        VarError::NotPresent => format!("the environment variable `{name}` is not set; set it"),
        VarError::NotUnicode(_) => {
            format!("the environment variable `{name}` is not UTF-8; set it to text")
        }
    })
}
