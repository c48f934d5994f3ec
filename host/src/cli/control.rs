//! `tidemill status | history | swap | rollback | reload | workers | stop`: talking to a pipeline that runs.

mod args;

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use self::args::PluginPath;
use super::{End, print};
use crate::checkpoint::{ShadowReport, VersionChange};
use crate::control::{
    BesideStatus, Client, ClientError, ReloadDone, Rollback, Status, Swap, SwapDone, Token, WorkersDone, find,
};
use crate::manifest::{Manifest, Pipeline};

pub use self::args::{At, EXAMPLES, RollbackArgs, SwapArgs, WorkersArgs};

/// The manifest that is looked at where nothing says which pipeline is meant.
const MANIFEST: &str = "pipeline.toml";

/// What to do where that doesn't tell.
const WHICH: &str = "say which pipeline with --address or --checkpoint";

/// How many characters of a digest are shown.
const SHOWN: usize = 12;

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        Self::failed(error)
    }
}

/// Shows how the pipeline is.
pub(super) fn status(at: &At) -> Result<(), End> {
    print(&status_text(&client(at)?.status()?))
}

/// Shows which versions came into use.
pub(super) fn history(at: &At) -> Result<(), End> {
    print(&history_text(&client(at)?.history()?))
}

/// Swaps plugins.
pub(super) fn swap(SwapArgs { plugins, shadow, at }: &SwapArgs) -> Result<(), End> {
    let address = address(at)?;
    let client = Client::new(address, Token::from_env().map_err(End::wrong)?);
    if address.ip().is_loopback() {
        let absolute = |path: &Path| path.canonicalize().map_err(|error| unreadable(path, &error));
        let mut swap = Swap { shadow: *shadow, ..Swap::default() };
        for PluginPath { name, path } in plugins {
            if swap.plugins.insert(name.clone(), absolute(path)?).is_some() {
                return Err(End::wrong(format!("`{name}` is given twice; name one file for it")));
            }
        }
        return print(&swapped_text(&client.swap(&swap)?));
    }
    if shadow.is_some() {
        return Err(End::wrong(
            "--shadow goes on the machine of the pipeline only; write `shadow` into its manifest",
        ));
    }
    let [PluginPath { name, path }] = plugins.as_slice() else {
        return Err(End::wrong("several plugins at once are swapped on the machine of the pipeline only"));
    };
    let code = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    print(&swapped_text(&client.upload(name, &code)?))
}

fn unreadable(path: &Path, error: &io::Error) -> End {
    End::wrong(format!("cannot read {}: {error}; correct the path or build the plugin", path.display()))
}

/// Goes back to a version.
pub(super) fn rollback(RollbackArgs { plugin, digest, at }: &RollbackArgs) -> Result<(), End> {
    let rollback = Rollback { plugin: plugin.clone(), digest: digest.clone() };
    print(&swapped_text(&client(at)?.rollback(&rollback)?))
}

/// Has the pipeline read its manifest again.
pub(super) fn reload(at: &At) -> Result<(), End> {
    let ReloadDone { swapped, set } = client(at)?.reload()?;
    let mut out = swapped_text(&swapped);
    for key in set {
        let _ = writeln!(out, "{key} is set");
    }
    if out.is_empty() {
        out.push_str("nothing in the manifest changed\n");
    }
    print(&out)
}

/// Lets so many workers run batches.
pub(super) fn workers(WorkersArgs { workers, at }: &WorkersArgs) -> Result<(), End> {
    let WorkersDone { from, to, batch } = client(at)?.set_workers(workers.get())?;
    match from == to {
        true => print(&format!("{to} workers, as before\n")),
        false => print(&format!("{to} workers since batch {batch}, before it {from}\n")),
    }
}

/// Asks the pipeline to stop.
pub(super) fn stop(at: &At) -> Result<(), End> {
    client(at)?.stop()?;
    print("stopping: what was received is processed first\n")
}

fn client(at: &At) -> Result<Client, End> {
    Ok(Client::new(address(at)?, Token::from_env().map_err(End::wrong)?))
}

fn address(at: &At) -> Result<SocketAddr, End> {
    if let Some(address) = at.address {
        return Ok(address);
    }
    if let Some(checkpoint) = &at.checkpoint {
        return found(checkpoint);
    }
    if !Path::new(MANIFEST).is_file() {
        return Err(End::wrong(format!("there is no {MANIFEST} here; {WHICH}")));
    }
    named(&Manifest::read(Path::new(MANIFEST))?.pipeline)
}

/// Where the pipeline with this checkpoint says that it listens.
fn found(checkpoint: &Path) -> Result<SocketAddr, End> {
    find(checkpoint).ok_or_else(|| {
        End::failed(format!(
            "no pipeline that runs says in the checkpoint {} where it listens; start it with --control 127.0.0.1:0, or say where with --address",
            checkpoint.display()
        ))
    })
}

/// Where `pipeline` listens: at the port that it names, or as its checkpoint says.
fn named(pipeline: &Pipeline) -> Result<SocketAddr, End> {
    match (&pipeline.checkpoint, pipeline.control) {
        (Some(checkpoint), None) => found(checkpoint),
        (Some(checkpoint), Some(control)) => found(checkpoint).or_else(|end| fixed(control).ok_or(end)),
        (None, control) => control
            .and_then(fixed)
            .ok_or_else(|| End::wrong(format!("{MANIFEST} names neither checkpoint nor port; {WHICH}"))),
    }
}

/// `address`, where that is one to talk to.
fn fixed(address: SocketAddr) -> Option<SocketAddr> {
    (address.port() != 0 && !address.ip().is_unspecified()).then_some(address)
}

fn status_text(status: &Status) -> String {
    let mut out = String::new();
    let doing = if status.is_stopping { "stopping" } else { "running" };
    let _ =
        writeln!(out, "pipeline {}, a batch every {} ms, {doing}", status.pipeline, status.batch_interval_ms);
    let _ = writeln!(
        out,
        "{} batches, {} rows in, {} dead letters, {} workers",
        status.batches, status.rows_in, status.dead_letters, status.workers
    );
    if let Some(last) = &status.last {
        let _ = writeln!(
            out,
            "last batch {}, {:.1} ms late, processed in {:.1} ms",
            last.time, last.delay_ms, last.processing_ms
        );
    }
    for (name, plugin) in &status.plugins {
        let since = plugin.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
        let trial = if plugin.is_on_trial { ", on trial until rows come" } else { "" };
        let (streams, digest) = (plugin.streams.join(", "), short(&plugin.digest));
        let _ = writeln!(out, "plugin {name} ({streams}): {digest}{since}{trial}");
        if let Some(bad) = &plugin.quarantined {
            let _ = writeln!(out, "  {} was rolled back: {}", short(&bad.digest), bad.reason);
        }
        if let Some(BesideStatus { digest, batches_left, report }) = &plugin.beside {
            let (runs, left) = match batches_left {
                0 => ("ran", String::new()),
                left => ("runs", format!(", {left} to go")),
            };
            let _ = writeln!(out, "  {} {runs} {report}{left}", short(digest));
            write_samples(report, &mut out);
        }
    }
    out
}

fn history_text(history: &[VersionChange]) -> String {
    let mut out = String::new();
    for change in history {
        let from = change.from.as_deref().map(|from| format!(" from {}", short(from))).unwrap_or_default();
        let reason = change.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let (time, plugin, digest) = (change.batch_time(), &change.plugin, short(&change.digest));
        let shadow = change.shadow.as_ref().map(|report| format!(", ran {report}")).unwrap_or_default();
        let _ = writeln!(out, "{time} {plugin} {digest}{from}, {}{reason}{shadow}", change.how.name());
    }
    out
}

fn swapped_text(swapped: &[SwapDone]) -> String {
    let mut out = String::new();
    for SwapDone { plugin, from, to, batch, accepted_by, shadow } in swapped {
        let _ = match from == to {
            true => write!(out, "{plugin}: {} with other config or limits since batch {batch}", short(to)),
            false => {
                write!(out, "{plugin}: {} in use since batch {batch}, before it {}", short(to), short(from))
            }
        };
        match accepted_by.as_slice() {
            [] => out.push('\n'),
            streams => {
                let _ = writeln!(out, "; {} accept its columns, which are other ones", streams.join(", "));
            }
        }
        if let Some(report) = shadow {
            let _ = writeln!(out, "  ran {report}");
            write_samples(report, &mut out);
        }
    }
    out
}

fn write_samples(report: &ShadowReport, out: &mut String) {
    for sample in &report.samples {
        let _ = writeln!(out, "    {sample}");
    }
}

fn short(digest: &str) -> &str {
    digest.get(..SHOWN).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Interval;

    #[test]
    fn a_pipeline_is_found_by_its_port_where_no_checkpoint_tells() {
        let folder = tempfile::tempdir().unwrap();
        let mut pipeline = Pipeline::new("p", Interval::new(std::time::Duration::from_secs(1)).unwrap());
        let at = |pipeline: &Pipeline| named(pipeline).map(|at| at.to_string()).map_err(|end| end.message);
        assert!(at(&pipeline).unwrap_err().contains("neither checkpoint nor port"));
        pipeline.control = Some("127.0.0.1:0".parse().unwrap());
        assert!(at(&pipeline).unwrap_err().contains("neither checkpoint nor port"));
        pipeline.control = Some("127.0.0.1:7171".parse().unwrap());
        assert_eq!(at(&pipeline).unwrap(), "127.0.0.1:7171");
        pipeline.checkpoint = Some(folder.path().to_owned());
        assert_eq!(at(&pipeline).unwrap(), "127.0.0.1:7171");
        std::fs::write(folder.path().join("control"), "127.0.0.1:7272\n").unwrap();
        assert_eq!(at(&pipeline).unwrap(), "127.0.0.1:7272", "the checkpoint tells of --control");
        pipeline.control = None;
        assert_eq!(at(&pipeline).unwrap(), "127.0.0.1:7272");
    }
}
