//! What a run begins with where plugins keep other states by now than those in the checkpoint: what ran last, which is
//! swapped for the files before the first batch, so that states are migrated as in any swap.

use std::path::Path;

use crossbeam_channel::bounded;

use super::SwapError;
use super::read::Code;
use super::swapper::Swapper;
use crate::checkpoint::{CheckpointError, CodeFolder, Contents, How};
use crate::context::RunOptions;
use crate::manifest::{Fault, Pipeline};
use crate::plan::{OpenedPipeline, RanLast};
use crate::plugin::{Engine, STACK_BYTES};

/// Plugins whose files keep other states than what ran, and the streams that do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::context) struct Grown {
    plugins: Vec<String>,
    streams: Vec<String>,
}

/// Opens `pipeline` to go on from a checkpoint with the contents `ran`, with what ran last or what is in the files, as
/// `options` and the manifest say. Those of which the files are to be swapped in are opened as they ran.
pub(in crate::context) fn open(
    pipeline: &Pipeline,
    engine: &Engine,
    options: &RunOptions,
    ran: Option<&Contents>,
    code: Option<CodeFolder>,
) -> Result<(OpenedPipeline, Grown), Fault> {
    let digests = |goes_on: &dyn Fn(&String) -> bool| {
        let digests = ran.into_iter().flat_map(|ran| &ran.plugins).filter(|(plugin, _)| goes_on(plugin));
        digests.map(|(plugin, digest)| (plugin.clone(), digest.clone())).collect()
    };
    let mut begins = RanLast { digests: digests(&|_| !options.new_plugins), code, ..RanLast::default() };
    let opened = OpenedPipeline::open_after(pipeline, engine, &begins)?;
    let grown = ran.map(|ran| Grown::find(pipeline, &opened, ran, &options.drop_state)).unwrap_or_default();
    if grown.plugins.is_empty() {
        return Ok((opened, grown));
    }
    begins.digests = digests(&|plugin| !options.new_plugins || grown.plugins.contains(plugin));
    begins.replaced = grown.plugins.iter().cloned().collect();
    Ok(match OpenedPipeline::open_after(pipeline, engine, &begins) {
        Ok(before) => (before, grown),
        // What ran doesn't go with the manifest of today; the checkpoint tells what doesn't fit.
        Err(_) => (opened, Grown::default()),
    })
}

impl Grown {
    /// Those of `opened`, unless what a stream kept is to be `dropped`.
    fn find(pipeline: &Pipeline, opened: &OpenedPipeline, ran: &Contents, dropped: &[String]) -> Self {
        let mut grown = Self::default();
        for (name, stream) in &opened.streams {
            let (Some(kept), Some(now)) = (ran.streams.get(name), stream.keeping()) else { continue };
            if kept.keeps == now.what || dropped.contains(name) {
                continue;
            }
            let Some(plugin) = pipeline.streams.get(name).and_then(|stream| stream.op.plugin()) else {
                continue;
            };
            let digests = (ran.plugins.get(plugin), opened.plugins.get(plugin).map(|now| &now.id().digest));
            if matches!(digests, (Some(before), Some(now)) if before != now) {
                grown.streams.push(name.clone());
                if !grown.plugins.iter().any(|other| other == plugin) {
                    grown.plugins.push(plugin.to_owned());
                }
            }
        }
        grown
    }

    /// Why the checkpoint `path` can't be taken up by what is in the files: `error`.
    pub(in crate::context) fn unfit(&self, path: &Path, error: &SwapError) -> CheckpointError {
        let dropped: Vec<String> = self.streams.iter().map(|name| format!("--drop-state {name}")).collect();
        CheckpointError::Unfit {
            path: path.to_owned(),
            problem: error.to_string(),
            remedy: format!(
                "start without --new-plugins and `sha256` to go on with the version that ran, or leave what it kept behind with {}",
                dropped.join(" ")
            ),
        }
    }
}

impl Swapper {
    /// Lets the first batch run what is in the files of `grown`, with the states that those make of what there is.
    pub(in crate::context) fn begin_with(&self, grown: &Grown) -> Result<(), SwapError> {
        if grown.plugins.is_empty() {
            return Ok(());
        }
        let specs = self.specs();
        // Whoever says that the file counts wants it to be tried again.
        self.shared.table().quarantined.retain(|plugin, _| !grown.plugins.contains(plugin));
        let files = grown.plugins.iter().filter_map(|name| Some((name, specs.get(name)?)));
        let files: Vec<_> = files.map(|(name, spec)| (name.clone(), Code::File(spec.path.clone()))).collect();
        let (swapper, names) = (self.clone(), grown.plugins.join("`, `"));
        let (tell, prepared) = bounded(1);
        let wait = move || {
            // Until the first batch has taken it, whoever else wants to swap waits, as behind any swap.
            let _turn = swapper.shared.take_turn();
            let (answer, answered) = bounded(1);
            let put = swapper.read(&files).and_then(|read| swapper.put(&read, How::Start, Some(0), answer));
            // The start waits for it.
            let _ = tell.send(put);
            // The log tells.
            let _ = answered.recv();
        };
        let thread = std::thread::Builder::new().name("start".into()).stack_size(STACK_BYTES).spawn(wait);
        thread.map_err(|error| SwapError::Unfit {
            plugin: names,
            problem: format!("no thread for the swap: {error}"),
        })?;
        prepared.recv().unwrap_or(Err(SwapError::Ended))
    }
}
