//! Whether the parts of a pipeline fit together, as far as can be said without schemas.
//!
//! A pipeline comes in, from a manifest or from Rust; the order in which its streams can be made goes out, or the
//! first fault. What is only useless, such as a stream that nothing reads, is logged.

use std::collections::HashSet;

use super::fault::{Fault, Place};
use super::graph::NodeRef;
use super::pipeline::{MAX_PARTITIONS, MAX_WORKERS, Pipeline};
use super::words::{nearest, suggest_among};
use crate::operator::Inputs;

/// Checks names, numbers and the graph, and answers every stream, each after those it is made from.
pub fn check_graph(pipeline: &Pipeline) -> Result<Vec<NodeRef>, Fault> {
    check_settings(pipeline)?;
    check_names(pipeline)?;
    check_logs(pipeline)?;
    check_inputs(pipeline)?;
    check_sinks(pipeline)?;
    let order = pipeline.in_order().map_err(|cycle| cycle_fault(pipeline, &cycle))?;
    check_plugins(pipeline)?;
    warn_of_unread(pipeline);
    Ok(order)
}

const NAME_RULE: &str = "use ASCII letters, digits, `_` and `-`, beginning with a letter or `_`";

fn check_settings(pipeline: &Pipeline) -> Result<(), Fault> {
    let fault = |key: &str, problem: String, remedy: String| {
        Err(Fault::new(Place::key("pipeline", key), problem, remedy))
    };
    if !is_name(&pipeline.name) {
        return fault("name", format!("`{}` can't be a name", pipeline.name), NAME_RULE.to_owned());
    }
    let num_partitions = pipeline.partitions.get();
    if num_partitions > MAX_PARTITIONS {
        return fault(
            "partitions",
            format!("{num_partitions} is too many"),
            format!("write a number from 1 to {MAX_PARTITIONS}"),
        );
    }
    if let Err(error) = pipeline.rate.check() {
        return Err(Fault::from_message(Place::key("pipeline", "rate"), &error.to_string()));
    }
    match pipeline.workers {
        Some(workers) if workers.get() > MAX_WORKERS => fault(
            "workers",
            format!("{workers} is too many"),
            format!("write a number from 1 to {MAX_WORKERS}, or leave it out to use every core"),
        ),
        _ => Ok(()),
    }
}

fn check_names(pipeline: &Pipeline) -> Result<(), Fault> {
    let plugins = pipeline.plugins.keys().map(|name| ("plugins", name));
    let sources = pipeline.sources.keys().map(|name| ("sources", name));
    let streams = pipeline.streams.keys().map(|name| ("streams", name));
    let sinks = pipeline.sinks.keys().map(|name| ("sinks", name));
    for (section, name) in plugins.chain(sources).chain(streams).chain(sinks) {
        if !is_name(name) {
            let place = Place::item(format!("{section}.{name}"));
            return Err(Fault::new(place, format!("`{name}` can't be a name"), NAME_RULE));
        }
    }
    match pipeline.streams.keys().find(|name| pipeline.sources.contains_key(*name)) {
        Some(name) => {
            let place = Place::item(format!("streams.{name}"));
            Err(Fault::new(place, format!("a source is named `{name}` too"), "rename one of them"))
        }
        None => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// That sources have a checkpoint to log what they receive in, where they are to.
fn check_logs(pipeline: &Pipeline) -> Result<(), Fault> {
    let mut logged = pipeline.sources.iter().filter(|(_, source)| source.is_logged());
    match logged.next() {
        Some((name, _)) if pipeline.checkpoint.is_none() => Err(Fault::new(
            Place::key(format!("sources.{name}"), "wal"),
            "what it receives is logged in the checkpoint, and there is none",
            "add checkpoint = \"DIRECTORY\" to [pipeline], or remove `wal`",
        )),
        _ => Ok(()),
    }
}

fn check_inputs(pipeline: &Pipeline) -> Result<(), Fault> {
    for (name, stream) in &pipeline.streams {
        let item = format!("streams.{name}");
        for from in &stream.from {
            check_from(pipeline, &item, from)?;
        }
        let (op, num_named) = (stream.op.kind(), stream.from.len());
        let (wanted, remedy) = match stream.op.inputs() {
            Inputs::One if num_named != 1 => ("one stream", "put several together with a `union` first"),
            Inputs::Two if num_named != 2 => ("two streams", "name both, as in from = [\"a\", \"b\"]"),
            Inputs::Several if num_named < 2 => {
                ("two streams or more", "name them all, as in from = [\"a\", \"b\"]")
            }
            _ => continue,
        };
        let problem = format!("`{op}` reads {wanted}, but from names {num_named}");
        return Err(Fault::new(Place::key(item, "from"), problem, remedy));
    }
    Ok(())
}

fn check_sinks(pipeline: &Pipeline) -> Result<(), Fault> {
    if pipeline.sinks.is_empty() {
        return Err(Fault::new(
            Place::item("pipeline"),
            "nothing to execute, for there is no sink",
            "add a [sinks.…]",
        ));
    }
    let mut sinks = pipeline.sinks.iter();
    sinks.try_for_each(|(name, output)| check_from(pipeline, &format!("sinks.{name}"), &output.from))
}

/// That `from`, in the table `item`, names a source or stream.
fn check_from(pipeline: &Pipeline, item: &str, from: &str) -> Result<(), Fault> {
    if pipeline.find(from).is_some() {
        return Ok(());
    }
    let names: Vec<&str> =
        pipeline.sources.keys().chain(pipeline.streams.keys()).map(String::as_str).collect();
    let remedy = match names.as_slice() {
        [] => "add a [sources.…] that makes it".to_owned(),
        names => suggest_among(from, names, "sources and streams"),
    };
    Err(Fault::new(Place::key(item, "from"), format!("no source or stream is named `{from}`"), remedy))
}

/// Says a cycle in the direction in which rows would flow.
fn cycle_fault(pipeline: &Pipeline, cycle: &[usize]) -> Fault {
    let mut names: Vec<&str> = cycle.iter().rev().map(|i| pipeline.name_of(NodeRef::Stream(*i))).collect();
    names.rotate_right(1);
    let first = names.first().copied().unwrap_or_default();
    names.push(first);
    let place = Place::key(format!("streams.{first}"), "from");
    let remedy = "let one of these streams read something else";
    Fault::new(place, format!("the streams go round in a cycle, {}", names.join(" -> ")), remedy)
}

fn check_plugins(pipeline: &Pipeline) -> Result<(), Fault> {
    let mut used = HashSet::new();
    for (name, stream) in &pipeline.streams {
        let Some(plugin) = stream.op.plugin() else {
            continue;
        };
        used.insert(plugin);
        if !pipeline.plugins.contains_key(plugin) {
            let remedy = match nearest(plugin, pipeline.plugins.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add a [plugins.{plugin}] with its path"),
            };
            let place = Place::key(format!("streams.{name}"), "plugin");
            return Err(Fault::new(place, format!("no plugin is named `{plugin}`"), remedy));
        }
    }
    match pipeline.plugins.keys().find(|name| !used.contains(name.as_str())) {
        Some(name) => {
            let place = Place::item(format!("plugins.{name}"));
            Err(Fault::new(
                place,
                "no stream uses this plugin",
                "leave it out, or name it as a stream's plugin",
            ))
        }
        None => Ok(()),
    }
}

fn warn_of_unread(pipeline: &Pipeline) {
    let read = pipeline.reaching_sinks();
    let sources = (0..pipeline.sources.len()).map(NodeRef::Source);
    let streams = (0..pipeline.streams.len()).map(NodeRef::Stream);
    for node in sources.chain(streams).filter(|node| !read.contains(node)) {
        tracing::warn!(name = pipeline.name_of(node), "its rows reach no sink");
    }
}
