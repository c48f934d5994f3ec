//! `tidemill checkpoint`: what a checkpoint holds.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Subcommand;

use super::{End, print};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::record::Bytes;

/// What to do with a checkpoint.
#[derive(Clone, Debug, Subcommand)]
pub enum CheckpointCommand {
    /// Show what is in it: epochs, how far sources were read, what streams keep, versions of plugins
    ///
    /// It has to be one that no running pipeline uses.
    Inspect {
        /// The directory, as `checkpoint` in the manifest names it
        #[arg(value_name = "DIR")]
        path: PathBuf,
    },
}

/// Does what `command` says.
pub(super) fn run(command: &CheckpointCommand) -> Result<(), End> {
    let CheckpointCommand::Inspect { path } = command;
    let report = Checkpoint::open_existing(path)?.report()?;
    let contents = &report.contents;
    let mut out = format!("pipeline {}, a batch every {} ms\n", contents.pipeline, contents.interval);
    for epoch in &report.epochs {
        let _ = writeln!(out, "epoch {}: batch {}", epoch.number, epoch.batch_time());
    }
    if let Some(last) = report.epochs.last() {
        for (name, source) in &last.sources {
            let kind = contents.sources.get(name).map_or("", String::as_str);
            let position = match &source.position {
                Some(position) => serde_json::to_string(position).unwrap_or_default(),
                None => "not known; it goes on with what comes".to_owned(),
            };
            let _ = writeln!(out, "source {name} ({kind}): {position}");
        }
    }
    for (name, kept) in &report.state {
        let what = contents.streams.get(name).map_or("", |stream| stream.keeps.as_str());
        let _ = writeln!(out, "stream {name}: {}, {} pieces, {}", what, kept.pieces, Bytes(kept.bytes));
    }
    for (name, digest) in &contents.plugins {
        let _ = writeln!(out, "plugin {name}: {digest}");
    }
    for (sink, batches) in &report.undelivered {
        let _ = writeln!(out, "sink {sink}: the rows of {batches} batches may not have been written yet");
    }
    print(&out)
}

impl From<CheckpointError> for End {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Missing(_) | CheckpointError::Unfit { .. } => Self::wrong(error),
            error => Self::failed(error),
        }
    }
}
