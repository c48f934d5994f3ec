//! One table of a manifest, taken apart: the keys that every such table has, and the options that are left.
//!
//! Options are read by serde straight from the spanned tree. What serde says of them becomes a `Fault` whose
//! key is found by the span of the error in an untouched copy of the table.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use super::fault::{Fault, Place};
use super::kinds::Chooser;
use super::words::{self, describe, suggest_among};

/// A table such as `[streams.words]`.
pub(super) struct Item<'t> {
    path: String,
    span: Range<usize>,
    table: DeTable<'t>,
    /// The keys taken out, for messages that list keys.
    taken: Vec<&'static str>,
}

impl<'t> Item<'t> {
    /// What stands at `path`, which must be a table.
    pub(super) fn new(path: String, value: Spanned<DeValue<'t>>) -> Result<Self, Fault> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Ok(Self { path, span, table, taken: Vec::new() }),
            other => {
                let remedy = format!("write a table, [{path}]");
                Err(Fault::new(Place::item(path), format!("found {}", describe(&other)), remedy))
            }
        }
    }

    /// The path, such as `streams.words`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The table, to be changed before it is read.
    pub(super) fn table_mut(&mut self) -> &mut DeTable<'t> {
        &mut self.table
    }

    /// The tables in this one, each with its name.
    pub(super) fn into_items(self) -> impl Iterator<Item = (String, Result<Self, Fault>)> {
        let path = self.path;
        self.table.into_iter().map(move |(name, value)| {
            let name = name.into_inner().into_owned();
            let item = Self::new(format!("{path}.{name}"), value);
            (name, item)
        })
    }

    /// Takes the string `key` out, which must be one of `known`, things of the sort `what`.
    pub(super) fn take_choice(
        &mut self,
        key: &'static str,
        what: &str,
        known: &[&str],
    ) -> Result<String, Fault> {
        let fault =
            |item: &Self, problem, remedy| Err(Fault::new(Place::key(&item.path, key), problem, remedy));
        let choices = || format!("the {what}s are {}", words::listed(known));
        let Some(value) = self.take(key) else {
            return Err(self.missing(key, &choices()));
        };
        match value.get_ref() {
            DeValue::String(kind) if known.contains(&kind.as_ref()) => Ok(kind.to_string()),
            DeValue::String(kind) => {
                let remedy = suggest_among(kind, known, &format!("{what}s"));
                fault(self, format!("unknown {what} `{kind}`"), remedy)
            }
            other => fault(self, format!("found {}", describe(other)), choices()),
        }
    }

    /// Takes `from` out: a name, or a list of names.
    pub(super) fn take_from(&mut self) -> Result<Vec<String>, Fault> {
        let example = "write a name, as in from = \"lines\", or a list of names";
        let Some(value) = self.take("from") else {
            return Err(self.missing("from", "name the source or stream that it reads"));
        };
        let found =
            |value| Fault::new(Place::key(&self.path, "from"), format!("found {}", describe(value)), example);
        match value.get_ref() {
            DeValue::String(name) => Ok(vec![name.to_string()]),
            DeValue::Array(names) if names.is_empty() => {
                Err(Fault::new(Place::key(&self.path, "from"), "the list is empty", example))
            }
            DeValue::Array(names) => names
                .iter()
                .map(|name| name.get_ref().as_str().map(str::to_owned).ok_or_else(|| found(name.get_ref())))
                .collect(),
            other => Err(found(other)),
        }
    }

    /// Takes those of the keys `keys` out that are there, as a table of its own. Messages that list keys leave them out,
    /// because not every table may have them.
    pub(super) fn take_keys(&mut self, keys: &[&'static str]) -> Self {
        let mut table = DeTable::new();
        for &key in keys {
            if let Some((key, value)) = self.table.remove_entry(key) {
                table.insert(key, value);
            }
        }
        Self { path: self.path.clone(), span: self.span.clone(), table, taken: Vec::new() }
    }

    /// The first of its keys, where it has any.
    pub(super) fn first_key(&self) -> Option<&str> {
        self.table.keys().next().map(|key| key.get_ref().as_ref())
    }

    /// Makes what the options that are left describe.
    pub(super) fn choose<T: ?Sized>(self, kind: &str, chooser: &Chooser<T>) -> Result<Box<T>, Fault> {
        self.read_by(|options| (chooser.choose)(kind, options))
    }

    /// Reads the options that are left.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(self) -> Result<T, Fault> {
        self.read_by(|options| T::deserialize(options))
    }

    fn read_by<T>(self, read: impl FnOnce(ValueDeserializer<'t>) -> Result<T, Error>) -> Result<T, Fault> {
        let untouched = self.table.clone();
        let options = Spanned::new(self.span, DeValue::Table(self.table));
        read(ValueDeserializer::from(options))
            .map_err(|error| explain(&error, &self.path, &untouched, &self.taken))
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'t>>> {
        self.taken.push(key);
        self.table.remove(key)
    }

    /// That `key` is missing, or spelt like one that is there.
    fn missing(&self, key: &'static str, remedy: &str) -> Fault {
        let mut keys = self.table.keys().map(|key| key.get_ref().as_ref());
        match keys.find(|there| words::nearest(there, [key].into_iter()).is_some()) {
            Some(there) => {
                let place = Place::key(&self.path, there);
                Fault::new(place, format!("unknown key `{there}`"), format!("did you mean `{key}`?"))
            }
            None => Fault::new(
                Place::key(&self.path, key),
                format!("the key `{key}` is missing"),
                format!("add it: {remedy}"),
            ),
        }
    }
}

/// What serde said of the table at `path`, from which the keys `taken` were taken before.
fn explain(error: &Error, path: &str, table: &DeTable<'_>, taken: &[&'static str]) -> Fault {
    let found = error.span().and_then(|span| find(table, &span));
    let (mut keys, value) = found.unwrap_or_default();
    let unknown_in_table = keys.len() <= 1;
    let finding = words::translate(error.message(), value, if unknown_in_table { taken } else { &[] });
    keys.extend(finding.missing.as_deref());
    let place = if keys.is_empty() { Place::item(path) } else { Place::key(path, keys.join(".")) };
    Fault::new(place, finding.problem, finding.remedy)
}

/// The keys that lead to what stands at `span` in `table`, and its value.
fn find<'a>(table: &'a DeTable<'_>, span: &Range<usize>) -> Option<(Vec<&'a str>, Option<&'a DeValue<'a>>)> {
    table.iter().find_map(|(key, value)| {
        let name = key.get_ref().as_ref();
        if key.span() == *span {
            return Some((vec![name], Some(value.get_ref())));
        }
        if let DeValue::Table(inner) = value.get_ref()
            && let Some((mut keys, value)) = find(inner, span)
        {
            keys.insert(0, name);
            return Some((keys, value));
        }
        let around = value.span();
        let is_around = around.start <= span.start && span.end <= around.end;
        is_around.then(|| (vec![name], Some(innermost(value, span))))
    })
}

/// The value at `span` in the lists of `value`.
fn innermost<'a>(value: &'a Spanned<DeValue<'_>>, span: &Range<usize>) -> &'a DeValue<'a> {
    let DeValue::Array(values) = value.get_ref() else {
        return value.get_ref();
    };
    let is_around =
        |value: &&Spanned<DeValue<'_>>| value.span().start <= span.start && span.end <= value.span().end;
    values.iter().find(is_around).map_or(value.get_ref(), |inner| innermost(inner, span))
}
