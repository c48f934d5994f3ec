//! The step that compares: whether what was opened anew can go on where what runs leaves off.

use std::collections::HashSet;
use std::sync::Arc;

use crate::manifest::Pipeline;
use crate::plan::OpenedPipeline;
use crate::record::describe;

use super::Fit;

/// Whether `new` fits in the place of `running`: sinks get the columns that they were opened for, and what streams keep
/// is what they kept, or is carried over. The error says why not and what to do.
pub(super) fn compare(
    pipeline: &Pipeline,
    running: &OpenedPipeline,
    new: &OpenedPipeline,
) -> Result<Fit, String> {
    let changed: Vec<&String> = new
        .schemas
        .iter()
        .filter(|(name, schema)| running.schemas.get(*name) != Some(*schema))
        .map(|(name, _)| name)
        .collect();
    let written = pipeline.sinks.iter().find(|(_, output)| changed.contains(&&output.from));
    if let Some((sink, output)) = written {
        let columns = |of: &OpenedPipeline| of.schemas.get(&output.from).map(|schema| describe(schema));
        return Err(format!(
            "stream `{}`, which sink `{sink}` writes, would have the columns ({}) rather than ({}); stop the pipeline to change them",
            output.from,
            columns(new).unwrap_or_default(),
            columns(running).unwrap_or_default()
        ));
    }
    for (name, stream) in &new.streams {
        let Some(before) = running.streams.get(name) else { continue };
        match (before.keeping(), stream.keeping()) {
            (None, None) => {}
            (Some(_), Some(now))
                if now.migration.as_ref().is_some_and(|migration| migration.is_pending()) => {}
            (Some(old), Some(now)) if old.what != now.what => {
                return Err(format!(
                    "stream `{name}` keeps {}, and would keep {}; keep the state's columns, or let the plugin migrate them",
                    old.what, now.what
                ));
            }
            (Some(old), Some(now)) if Arc::ptr_eq(&old.state, &now.state) => {}
            _ => {
                return Err(format!(
                    "stream `{name}` can't go on with what it keeps; stop the pipeline to change it"
                ));
            }
        }
    }
    if changed.is_empty() {
        return Ok(Fit::Same);
    }
    let reads_changed = |from: &[String]| from.iter().any(|from| changed.contains(&from));
    let readers = new.streams.iter().filter(|(_, stream)| reads_changed(&stream.from));
    Ok(Fit::Accepted(readers.map(|(name, _)| name.clone()).collect()))
}

/// The streams that call one of `plugins`, and all streams that their rows reach, themselves among them.
pub(super) fn streams_of(
    pipeline: &Pipeline,
    opened: &OpenedPipeline,
    plugins: &[&str],
) -> (HashSet<String>, HashSet<String>) {
    let (mut calling, mut reached) = (HashSet::new(), HashSet::new());
    for (name, stream) in &opened.streams {
        let plugin = pipeline.streams.get(name).and_then(|stream| stream.op.plugin());
        let calls = plugin.is_some_and(|plugin| plugins.contains(&plugin));
        if calls {
            calling.insert(name.clone());
        }
        if calls || stream.from.iter().any(|from| reached.contains(from)) {
            reached.insert(name.clone());
        }
    }
    (calling, reached)
}
