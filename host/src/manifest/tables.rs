//! The tables of a manifest, each read to a part of a `Pipeline`.
//!
//! One after the other in the order of data, so that the first fault is the one nearest to the source. Paths
//! come out relative to the manifest's folder.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Place};
use super::item::Item;
use super::pipeline::{DEFAULT_PARTITIONS, DeadLetterSpec, Output, Pipeline, PluginSource, Stream};
use super::read::Origin;
use super::words::suggest_among;
use crate::batch::rate::RateOptions;
use crate::dead_letters::LetterFiles;
use crate::operator::Tolerance;
use crate::plugin::PluginSpec;
use crate::record::{Interval, Period};

/// The names of the tables.
const TABLES: [&str; 6] = ["pipeline", "plugins", "sources", "streams", "sinks", "dead_letters"];

/// The tables at the top of a manifest, by their names.
pub(super) struct Tables<'t>(IndexMap<&'static str, Spanned<DeValue<'t>>>);

impl<'t> Tables<'t> {
    /// From the tree of the whole text.
    pub(super) fn new(root: DeTable<'t>) -> Result<Self, Fault> {
        let mut tables = IndexMap::new();
        for (name, value) in root {
            let known = TABLES.into_iter().find(|known| known == name.get_ref());
            let known = known.ok_or_else(|| {
                let name = name.get_ref();
                Fault::new(
                    Place::item(name.as_ref()),
                    format!("unknown table `{name}`"),
                    suggest_among(name, &TABLES, "tables"),
                )
            })?;
            tables.insert(known, value);
        }
        Ok(Self(tables))
    }

    /// Reads them all.
    pub(super) fn read(mut self, origin: &Origin<'_>) -> Result<Pipeline, Fault> {
        let mut pipeline = self.read_pipeline()?;
        pipeline.checkpoint = pipeline.checkpoint.map(|path| origin.base.join(path));
        pipeline.plugins = self.read_each("plugins", |item| read_plugin(item, origin))?;
        pipeline.sources = self.read_each("sources", |mut item| {
            let kind = item.take_choice("kind", "kind", origin.kinds.sources.kinds)?;
            let mut source = item.choose(&kind, &origin.kinds.sources)?;
            source.resolve(origin.base);
            Ok(source)
        })?;
        pipeline.streams = self.read_each("streams", |item| read_stream(item, origin))?;
        pipeline.sinks = self.read_each("sinks", |item| read_sink(item, origin))?;
        if let Some(item) = self.take("dead_letters")? {
            pipeline.dead_letters = Some(read_dead_letters(item, origin)?);
        }
        Ok(pipeline)
    }

    fn read_pipeline(&mut self) -> Result<Pipeline, Fault> {
        let item = self.take("pipeline")?.ok_or_else(|| {
            let remedy = "add one with name and batch_interval";
            Fault::new(Place::item("pipeline"), "there is no table [pipeline]", remedy)
        })?;
        let keys: PipelineKeys = item.read()?;
        let interval = Interval::new(keys.batch_interval.0).ok_or_else(|| {
            let problem =
                format!("`{}` is not a whole number of milliseconds, 1 or more", keys.batch_interval);
            Fault::new(Place::key("pipeline", "batch_interval"), problem, "write for example \"500ms\"")
        })?;
        Ok(Pipeline {
            workers: keys.workers,
            partitions: keys.partitions.unwrap_or(DEFAULT_PARTITIONS),
            rate: keys.rate,
            merge_late: keys.merge_late.unwrap_or(true),
            checkpoint: keys.checkpoint,
            control: keys.control.map(|address| address.0),
            ..Pipeline::new(keys.name, interval)
        })
    }

    fn read_each<T>(
        &mut self,
        section: &'static str,
        read: impl Fn(Item<'t>) -> Result<T, Fault>,
    ) -> Result<IndexMap<String, T>, Fault> {
        let Some(section) = self.take(section)? else {
            return Ok(IndexMap::new());
        };
        section.into_items().map(|(name, item)| Ok((name, read(item?)?))).collect()
    }

    fn take(&mut self, name: &'static str) -> Result<Option<Item<'t>>, Fault> {
        let table = self.0.shift_remove(name);
        table.map(|value| Item::new(name.to_owned(), value)).transpose()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PipelineKeys {
    name: String,
    batch_interval: Period,
    workers: Option<NonZeroUsize>,
    partitions: Option<NonZeroUsize>,
    #[serde(default)]
    rate: RateOptions,
    merge_late: Option<bool>,
    checkpoint: Option<PathBuf>,
    control: Option<ListenAddress>,
}

/// An address to listen at.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct ListenAddress(SocketAddr);

impl TryFrom<String> for ListenAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text.parse().map(Self);
        parsed.map_err(|_| format!("`{text}` is no address to listen at; write for example \"127.0.0.1:0\""))
    }
}

fn read_plugin(mut item: Item<'_>, origin: &Origin<'_>) -> Result<PluginSource, Fault> {
    if let Some(config) = item.table_mut().get_mut("config") {
        times_to_strings(config.get_mut());
    }
    let place = Place::key(item.path(), "sha256");
    let mut spec: PluginSpec = item.read()?;
    if let Some(digest) = spec.sha256.as_deref()
        && !(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        let problem = format!("`{digest}` is not 64 hexadecimal digits");
        return Err(Fault::new(place, problem, "write what `sha256sum` prints for the file"));
    }
    spec.resolve(origin.base);
    Ok(PluginSource::File(spec))
}

/// JSON, which plugins get, has no times.
fn times_to_strings(value: &mut DeValue<'_>) {
    match value {
        DeValue::Datetime(time) => *value = DeValue::String(time.to_string().into()),
        DeValue::Array(values) => values.iter_mut().for_each(|value| times_to_strings(value.get_mut())),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, value)| times_to_strings(value.get_mut())),
        _ => {}
    }
}

fn read_stream(mut item: Item<'_>, origin: &Origin<'_>) -> Result<Stream, Fault> {
    let kind = item.take_choice("op", "operator", origin.kinds.operators.kinds)?;
    let from = item.take_from()?;
    let tolerance = item.take_keys(&Tolerance::KEYS);
    let mut op = item.choose(&kind, &origin.kinds.operators)?;
    op.resolve(origin.base);
    if let (None, Some(key)) = (op.plugin(), tolerance.first_key()) {
        let problem = format!("`{kind}` calls no plugin, so that nothing fails in it");
        return Err(Fault::new(Place::key(tolerance.path(), key), problem, "leave it out"));
    }
    Ok(Stream { from, op, tolerance: tolerance.read()? })
}

fn read_sink(mut item: Item<'_>, origin: &Origin<'_>) -> Result<Output, Fault> {
    let kind = item.take_choice("kind", "kind", origin.kinds.sinks.kinds)?;
    let place = Place::key(item.path(), "from");
    let from = match <[String; 1]>::try_from(item.take_from()?) {
        Ok([from]) => from,
        Err(names) => {
            let problem = format!("a sink takes one stream, and {} are named", names.len());
            return Err(Fault::new(
                place,
                problem,
                "put them together with a `union`, or add a sink for each",
            ));
        }
    };
    let mut sink = item.choose(&kind, &origin.kinds.sinks)?;
    sink.resolve(origin.base);
    Ok(Output { from, sink })
}

fn read_dead_letters(mut item: Item<'_>, origin: &Origin<'_>) -> Result<DeadLetterSpec, Fault> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct LogKeys {}

    let kind = item.take_choice("kind", "kind", &["log", "files"])?;
    if kind == "log" {
        let LogKeys {} = item.read()?;
        return Ok(DeadLetterSpec::Log);
    }
    let mut files: LetterFiles = item.read()?;
    files.resolve(origin.base);
    Ok(DeadLetterSpec::Files(files))
}
