//! What a manifest says, key by key, so that it can be told what another one says differently.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use toml::de::{DeTable, DeValue};

/// The keys of a plugin that can change while a pipeline runs.
const LIVE: [&str; 9] =
    ["path", "sha256", "config", "limits", "reuse", "watch", "max_reject_rise", "shadow", "on_difference"];

/// What a manifest says: the values of keys, by their dotted paths. It may hold secrets, and shows none.
#[derive(Clone, Default)]
pub struct Outline(BTreeMap<String, String>);

impl std::fmt::Debug for Outline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Outline {
    /// Of the tree `root`, with the values of variables in it.
    pub(super) fn new(root: &DeTable<'_>) -> Self {
        let mut outline = Self::default();
        for (name, value) in root {
            let name = name.get_ref();
            // Those with tables of their own names, and those with keys.
            let depth = if matches!(name.as_ref(), "pipeline" | "dead_letters") { 1 } else { 2 };
            outline.add(name, value.get_ref(), depth);
        }
        outline
    }

    fn add(&mut self, path: &str, value: &DeValue<'_>, depth: usize) {
        match value {
            DeValue::Table(table) if depth > 0 => {
                self.0.insert(path.to_owned(), String::new());
                for (key, value) in table {
                    self.add(&format!("{path}.{}", key.get_ref()), value.get_ref(), depth - 1);
                }
            }
            value => {
                let mut text = String::new();
                write(value, &mut text);
                self.0.insert(path.to_owned(), text);
            }
        }
    }

    /// The keys that `self` and `other` say differently, but for those that can change while a pipeline runs. A table that
    /// only one has is named without its keys.
    pub fn fixed_differences(&self, other: &Self) -> Vec<String> {
        let all: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |path: &&String| self.0.get(*path) != other.0.get(*path) && !is_live(path);
        let mut differences: Vec<String> = Vec::new();
        for path in all.into_iter().filter(differs) {
            // Paths ascend, so a table comes before its keys.
            let is_within =
                |table: &String| path.strip_prefix(table.as_str()).is_some_and(|rest| rest.starts_with('.'));
            if !differences.iter().any(is_within) {
                differences.push(path.clone());
            }
        }
        differences
    }
}

fn is_live(path: &str) -> bool {
    let mut parts = path.strip_prefix("plugins.").unwrap_or_default().rsplitn(2, '.');
    parts.next().is_some_and(|key| LIVE.contains(&key)) && parts.next().is_some()
}

/// Writes `value` so that what is the same reads the same, wherever it stands.
fn write(value: &DeValue<'_>, out: &mut String) {
    // Writing to a string doesn't fail.
    let _ = match value {
        DeValue::String(text) => write!(out, "{text:?}"),
        DeValue::Integer(number) => write!(out, "{number}"),
        DeValue::Float(number) => write!(out, "{number}"),
        DeValue::Boolean(flag) => write!(out, "{flag}"),
        DeValue::Datetime(time) => write!(out, "{time}"),
        DeValue::Array(values) => {
            out.push('[');
            for value in values {
                write_within(value.get_ref(), out);
            }
            out.write_char(']')
        }
        DeValue::Table(table) => {
            let sorted: BTreeMap<&str, &DeValue<'_>> =
                table.iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref())).collect();
            out.push('{');
            for (key, value) in sorted {
                let _ = write!(out, "{key:?}=");
                write_within(value, out);
            }
            out.write_char('}')
        }
    };
}

fn write_within(value: &DeValue<'_>, out: &mut String) {
    write(value, out);
    out.push(',');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Outline {
        Outline::new(DeTable::parse(text).unwrap().get_ref())
    }

    const TEXT: &str = r#"
        [pipeline]
        name = "p"
        workers = 2
        [plugins.say]
        path = "say.wasm"
        config = { a = 1, b = [1, 2] }
        [sources.lines]
        kind = "socket"
        address = "a:1"
    "#;

    #[test]
    fn order_and_layout_make_no_difference() {
        let other = r#"
            sources.lines = { address = "a:1", kind = "socket" }
            [plugins]
            say = { config = { b = [1,2], a = 1 }, path = "say.wasm" }
            [pipeline]
            workers = 2
            name = "p"
        "#;
        assert_eq!(outline(TEXT).fixed_differences(&outline(other)), Vec::<String>::new());
    }

    #[test]
    fn what_plugins_may_change_is_left_out_and_all_else_is_named() {
        let live = TEXT.replace("a = 1", "a = 2").replace("say.wasm", "other.wasm");
        assert_eq!(outline(TEXT).fixed_differences(&outline(&live)), Vec::<String>::new());
        let fixed = TEXT.replace("a:1", "a:2").replace("workers = 2", "partitions = 3")
            + "[plugins.more]\npath = 'x'";
        assert_eq!(
            outline(TEXT).fixed_differences(&outline(&fixed)),
            ["pipeline.partitions", "pipeline.workers", "plugins.more", "sources.lines.address"]
        );
    }
}
