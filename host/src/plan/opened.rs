//! A pipeline whose plugins are loaded and whose operators accept their inputs.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use indexmap::IndexMap;

use super::versions::RanLast;
use crate::dead_letters::LetterError;
use crate::manifest::{DeadLetterSpec, Fault, NodeRef, Pipeline, Place, PluginSource, Stream, check_graph};
use crate::metrics::Metrics;
use crate::operator::{Keeping, Migration, Opened, Opening, OperatorError, Shape, StateView};
use crate::plugin::{Engine, Metered, Plugin, PluginError, PluginFailure, PluginSpec, WasmPlugin};
use crate::sink::SinkError;
use crate::source::SourceError;

/// What is known of a pipeline once it is opened.
pub struct OpenedPipeline {
    /// The plugins, by name.
    pub plugins: IndexMap<String, Arc<dyn Plugin>>,
    /// The schema of every source and stream that an output needs, each after what it is made from.
    pub schemas: IndexMap<String, SchemaRef>,
    /// How those of them run that are made from others.
    pub streams: IndexMap<String, OpenedStream>,
    /// What its plugins, and whoever runs it, measure.
    pub metrics: Metrics,
}

/// A stream whose operator accepts its inputs.
#[derive(Clone)]
pub struct OpenedStream {
    /// What it is made from.
    pub from: Vec<String>,
    /// The operator in a few words: `reduce_by_key with sum`.
    pub label: String,
    /// How it runs.
    pub shape: Shape,
    /// How many batch intervals it is from one of its batches to the next.
    pub every: u64,
    /// Whether it keeps something from batch to batch.
    pub keeps: bool,
    /// The state that it keeps for keys.
    pub state: Option<Arc<dyn StateView>>,
}

impl OpenedStream {
    /// What it keeps from batch to batch, so that it can be saved.
    pub fn keeping(&self) -> Option<&Keeping> {
        match &self.shape {
            Shape::Wide(wide) => wide.keeping.as_ref(),
            Shape::Narrow(_) => None,
        }
    }
}

impl OpenedPipeline {
    /// Checks `pipeline`, loads its plugins, and opens every operator that an output needs.
    pub fn open(pipeline: &Pipeline, engine: &Engine) -> Result<Self, Fault> {
        Self::open_after(pipeline, engine, &RanLast::default())
    }

    /// The same with the versions of plugins that ran last.
    pub fn open_after(pipeline: &Pipeline, engine: &Engine, ran: &RanLast) -> Result<Self, Fault> {
        let order = check_graph(pipeline)?;
        check_ends(pipeline)?;
        let needed = pipeline.reaching_sinks();
        let metrics = Metrics::new(&pipeline.name);
        let plugins = load(pipeline, engine, &metrics, ran)?;
        let mut opened = Self { plugins, schemas: IndexMap::new(), streams: IndexMap::new(), metrics };
        for (index, (name, source)) in pipeline.sources.iter().enumerate() {
            if needed.contains(&NodeRef::Source(index)) {
                opened.schemas.insert(name.clone(), source.schema());
            }
        }
        for node in order.into_iter().filter(|node| needed.contains(node)) {
            if let NodeRef::Stream(index) = node
                && let Some((name, stream)) = pipeline.streams.get_index(index)
            {
                opened.add(name, stream, pipeline, None)?;
            }
        }
        for (name, output) in &pipeline.sinks {
            let Some(schema) = opened.schemas.get(&output.from) else { continue };
            let wrong = |error| sink_fault(name, &error);
            output.sink.check(schema).map_err(wrong)?;
        }
        Ok(opened)
    }

    /// The same with other code for some plugins, which goes on with what streams keep. Only what that changes is opened
    /// anew: the streams whose plugins they are, and those that read a stream whose columns are other ones then.
    pub fn with_plugins(
        &self,
        pipeline: &Pipeline,
        plugins: &IndexMap<String, Arc<dyn Plugin>>,
    ) -> Result<Self, Fault> {
        let mut opened = Self {
            plugins: self.plugins.clone(),
            schemas: IndexMap::new(),
            streams: IndexMap::new(),
            metrics: self.metrics.clone(),
        };
        for (name, plugin) in plugins {
            let metered = Metered::new(Arc::clone(plugin), &self.metrics);
            opened.plugins.insert(name.clone(), Arc::new(metered));
        }
        let sources = self.schemas.iter().filter(|(name, _)| !self.streams.contains_key(*name));
        opened.schemas.extend(sources.map(|(name, schema)| (name.clone(), Arc::clone(schema))));
        for (name, running) in &self.streams {
            let Some(stream) = pipeline.streams.get(name) else { continue };
            let differs = |from: &String| {
                opened.schemas.get(from) != self.schemas.get(from)
                    || opened.state_schema(from) != self.state_schema(from)
            };
            let is_new = stream.op.plugin().is_some_and(|plugin| plugins.contains_key(plugin))
                || stream.from.iter().any(differs);
            if is_new {
                opened.add(name, stream, pipeline, running.keeping())?;
            } else if let Some(schema) = self.schemas.get(name) {
                opened.schemas.insert(name.clone(), Arc::clone(schema));
                opened.streams.insert(name.clone(), running.clone());
            }
        }
        Ok(opened)
    }

    /// How many batch intervals it is from one batch of the source or stream `name` to the next.
    pub fn every(&self, name: &str) -> u64 {
        self.streams.get(name).map_or(1, |stream| stream.every)
    }

    /// Whether some stream has to have every batch at its own time, because what it puts out depends on their number.
    pub fn needs_every_batch(&self) -> bool {
        self.streams.values().any(|stream| {
            stream.every > 1 || stream.keeping().is_some_and(|keeping| keeping.needs_every_batch)
        })
    }

    /// The columns of the state that the stream `name` keeps, to be looked at by those that read it.
    fn state_schema(&self, name: &str) -> Option<SchemaRef> {
        Some(self.streams.get(name)?.state.as_ref()?.schema())
    }

    /// What has to be carried over from what streams kept before, before it runs.
    pub fn migrations(&self) -> Vec<Arc<Migration>> {
        let migrations = self.streams.values().filter_map(|stream| stream.keeping()?.migration.clone());
        migrations.filter(|migration| migration.is_pending()).collect()
    }

    fn add(
        &mut self,
        name: &str,
        stream: &Stream,
        pipeline: &Pipeline,
        kept: Option<&Keeping>,
    ) -> Result<(), Fault> {
        let inputs: Vec<SchemaRef> =
            stream.from.iter().filter_map(|from| self.schemas.get(from).cloned()).collect();
        let plugin = stream.op.plugin().and_then(|plugin| self.plugins.get(plugin));
        let every = self.common_pace(name, stream)?;
        let opening = Opening {
            stream: name,
            from: &stream.from,
            inputs: &inputs,
            plugin,
            tolerance: stream.tolerance,
            interval: pipeline.interval,
            every,
            partitions: pipeline.partitions.get(),
            state: stream.from.first().and_then(|from| self.streams.get(from)?.state.clone()),
            kept,
        };
        let opened = stream.op.open(&opening).map_err(|error| fault(name, &error))?;
        let label = match stream.op.plugin() {
            Some(plugin) => format!("{} with {plugin}", stream.op.kind()),
            None => stream.op.kind().to_owned(),
        };
        self.schemas.insert(name.to_owned(), Arc::clone(&opened.schema));
        let Opened { shape, every, keeps, state, .. } = opened;
        self.streams.insert(
            name.to_owned(),
            OpenedStream { from: stream.from.clone(), label, shape, every, keeps, state },
        );
        Ok(())
    }

    /// The pace of all that `stream` reads.
    fn common_pace(&self, name: &str, stream: &Stream) -> Result<u64, Fault> {
        let mut paces = stream.from.iter().map(|from| (from, self.every(from)));
        let Some((first, every)) = paces.next() else { return Ok(1) };
        match paces.find(|(_, other)| *other != every) {
            None => Ok(every),
            Some((from, other)) => {
                let place = Place::key(format!("streams.{name}"), "from");
                let problem =
                    format!("`{first}` has a batch every {every} intervals, and `{from}` every {other}");
                Err(Fault::new(place, problem, "read streams whose windows have the same slide"))
            }
        }
    }
}

fn fault(stream: &str, error: &OperatorError) -> Fault {
    let item = format!("streams.{stream}");
    match error {
        OperatorError::Option { key, problem } => Fault::from_message(Place::key(item, *key), problem),
        OperatorError::Plugin(PluginError { plugin, failure, .. }) => {
            Fault::from_message(Place::key(item, "plugin"), &format!("plugin `{plugin}`: {failure}"))
        }
        other => Fault::from_message(Place::item(item), &other.to_string()),
    }
}

fn sink_fault(sink: &str, error: &SinkError) -> Fault {
    let item = format!("sinks.{sink}");
    match error {
        SinkError::Option { key, problem } => Fault::from_message(Place::key(item, *key), problem),
        other => Fault::from_message(Place::item(item), &other.to_string()),
    }
}

/// Checks what sources and dead letters can know to be wrong by themselves.
fn check_ends(pipeline: &Pipeline) -> Result<(), Fault> {
    for (name, source) in &pipeline.sources {
        let wrong = |error: SourceError| {
            let place = Place::item(format!("sources.{name}"));
            match error {
                SourceError::Path { .. } => Fault::new(place, error.to_string(), "make it or correct `path`"),
                _ => Fault::from_message(place, &error.to_string()),
            }
        };
        source.check().map_err(wrong)?;
    }
    match pipeline.dead_letters() {
        DeadLetterSpec::Log => Ok(()),
        DeadLetterSpec::Files(files) => files.check().map_err(letter_fault),
    }
}

fn letter_fault(error: LetterError) -> Fault {
    let item = "dead_letters";
    match error {
        LetterError::Path { .. } => Fault::new(
            Place::key(item, "path"),
            error.to_string(),
            "write the path of a directory that can be written, or that can be made",
        ),
        _ => Fault::from_message(Place::item(item), &error.to_string()),
    }
}

/// The key of a plugin that `failure` is about.
fn key_of(failure: &PluginFailure) -> &'static str {
    match failure {
        PluginFailure::Digest { .. } => "sha256",
        PluginFailure::Limit(_) | PluginFailure::LimitsTooHigh(_) => "limits",
        _ => "path",
    }
}

/// Loads the plugin `name`, and keeps its file where versions are kept.
fn load_one(
    engine: &Engine,
    name: &str,
    spec: &PluginSpec,
    metrics: &Metrics,
    ran: &RanLast,
) -> Result<WasmPlugin, PluginError> {
    let file = ran.file_of(name, spec)?;
    let plugin = WasmPlugin::from_file(engine, name, spec, &file, metrics)?;
    if let Some(Err(error)) = ran.code.as_ref().map(|code| code.keep(&file)) {
        tracing::warn!(plugin = %name, "a restart would need its file: {error}");
    }
    Ok(plugin)
}

fn load(
    pipeline: &Pipeline,
    engine: &Engine,
    metrics: &Metrics,
    ran: &RanLast,
) -> Result<IndexMap<String, Arc<dyn Plugin>>, Fault> {
    let plugins = pipeline.plugins.iter().map(|(name, source)| {
        let plugin: Arc<dyn Plugin> = match source {
            PluginSource::Native(plugin) => Arc::clone(plugin),
            PluginSource::File(spec) => {
                Arc::new(load_one(engine, name, spec, metrics, ran).map_err(|error| {
                    let place = Place::key(format!("plugins.{name}"), key_of(&error.failure));
                    Fault::from_message(place, &error.failure.to_string())
                })?)
            }
        };
        let plugin: Arc<dyn Plugin> = Arc::new(Metered::new(plugin, metrics));
        Ok((name.clone(), plugin))
    });
    plugins.collect()
}
