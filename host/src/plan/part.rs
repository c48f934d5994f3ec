//! The part of a pipeline that a replay runs: an operator and all that is made of its rows.

use std::collections::HashSet;

use arrow::datatypes::SchemaRef;
use indexmap::IndexMap;

use super::opened::OpenedPipeline;
use crate::manifest::{Pipeline, Stream};
use crate::source::Source;

/// Why there is no such part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// There is no such stream.
    #[error("the pipeline has no stream `{name}`; its streams are {}", streams.join(", "))]
    NoStream {
        /// What was asked for.
        name: String,
        /// What there is.
        streams: Vec<String>,
    },
    /// It is a source.
    #[error(
        "`{0}` is a source, and its letters are what it could not decode; show them, correct them, and give them to the source again"
    )]
    Source(String),
    /// Something in it keeps a state or a window, which a replay beside the pipeline doesn't have.
    #[error(
        "the stream `{0}` keeps something from batch to batch, which a replay doesn't have; give the rows to the pipeline's source again"
    )]
    Keeps(String),
    /// Its rows go nowhere.
    #[error("no sink gets the rows of the stream `{0}`; add one")]
    NoSink(String),
}

/// An input of a part: a stream that isn't made in it.
pub struct PartInput<'a> {
    /// The stream.
    pub name: &'a str,
    /// Its columns.
    pub schema: &'a SchemaRef,
    /// What the operator at the top reads it as.
    pub role: Role,
}

/// Who reads an input of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The operator at the top, as its only input.
    Only,
    /// The operator at the top, as one of several inputs.
    OneOfSeveral,
    /// An operator further down, beside rows that come from the top.
    Beside,
}

/// Of `pipeline`, which `opened` was made of, the stream `top` and all streams and sinks that get rows of it. `source`
/// makes what is read in place of the streams that are left out.
pub fn part_from(
    mut pipeline: Pipeline,
    opened: &OpenedPipeline,
    top: &str,
    mut source: impl FnMut(PartInput<'_>) -> Box<dyn Source>,
) -> Result<Pipeline, PartError> {
    check(&pipeline, opened, top)?;
    let below = below(opened, top);
    let keeps = |name: &&String| opened.streams.get(*name).is_some_and(|stream| stream.keeps);
    if let Some(name) = pipeline.streams.keys().filter(|name| below.contains(*name)).find(keeps) {
        return Err(PartError::Keeps(name.clone()));
    }
    let names: HashSet<String> = pipeline.sources.keys().chain(pipeline.streams.keys()).cloned().collect();
    let mut sources: IndexMap<String, Box<dyn Source>> = IndexMap::new();
    let mut add = |name: &str, from: &str, role: Role| {
        if let Some(schema) = opened.schemas.get(from)
            && !sources.contains_key(name)
        {
            sources.insert(name.to_owned(), source(PartInput { name: from, schema, role }));
        }
    };
    pipeline.streams.retain(|name, _| below.contains(name));
    for (name, stream) in &mut pipeline.streams {
        if name == top {
            give_inputs(stream, top, &names, &mut add);
            continue;
        }
        for from in stream.from.iter().filter(|from| !below.contains(*from)) {
            add(from, from, Role::Beside);
        }
    }
    pipeline.sources = sources;
    pipeline.sinks.retain(|_, output| below.contains(&output.from));
    let used: HashSet<&str> = pipeline.streams.values().filter_map(|stream| stream.op.plugin()).collect();
    pipeline.plugins.retain(|name, _| used.contains(name.as_str()));
    Ok(pipeline)
}

fn check(pipeline: &Pipeline, opened: &OpenedPipeline, top: &str) -> Result<(), PartError> {
    if opened.streams.contains_key(top) {
        Ok(())
    } else if pipeline.streams.contains_key(top) {
        Err(PartError::NoSink(top.to_owned()))
    } else if pipeline.sources.contains_key(top) {
        Err(PartError::Source(top.to_owned()))
    } else {
        let streams = pipeline.streams.keys().cloned().collect();
        Err(PartError::NoStream { name: top.to_owned(), streams })
    }
}

/// The stream `top`, and the streams that get rows of it and are needed.
fn below(opened: &OpenedPipeline, top: &str) -> HashSet<String> {
    let mut below = HashSet::from([top.to_owned()]);
    // Each stream stands after those it is made from.
    for (name, stream) in &opened.streams {
        if stream.from.iter().any(|from| below.contains(from)) {
            below.insert(name.clone());
        }
    }
    below
}

/// Lets `stream` read sources of its own, under names that nobody else has: its inputs may be read further down, too.
fn give_inputs(
    stream: &mut Stream,
    top: &str,
    names: &HashSet<String>,
    add: &mut impl FnMut(&str, &str, Role),
) {
    let role = if stream.from.len() == 1 { Role::Only } else { Role::OneOfSeveral };
    for from in &mut stream.from {
        let mut name = format!("{top}_letters_{from}");
        while names.contains(&name) {
            name.push('_');
        }
        add(&name, from, role);
        *from = name;
    }
}

#[cfg(test)]
mod tests;
