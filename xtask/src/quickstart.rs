//! `cargo xtask quickstart`: from a fresh clone to words being counted, live, in one command.
//!
//! Builds host and plugins, serves text on the loopback interface, runs `examples/wordcount` against
//! it for a few batches, ends by itself and says what to try next.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::plugins;
use crate::text_server;
use crate::workspace::Workspace;
use tidemill_toolchain::step::{self, human_time, step};

const PORT: u16 = 9999;
const EXAMPLE: &str = "examples/wordcount/pipeline.toml";
/// The plugins of the example.
const PLUGINS: [&str; 2] = ["split_words", "sum"];

/// Build everything and watch a live word count run.
///
/// Installs what is missing, builds host and plugins (the first time this takes some minutes: the host
/// contains a compiler for WebAssembly), and runs examples/wordcount against a text server of its own. This host
/// is built to be there soon; `cargo build --release` builds the one that is fast.
#[derive(clap::Args)]
pub struct Args {
    /// How many batches to show; the example's interval is a second
    #[arg(long, default_value_t = 6)]
    batches: u32,
    /// What decides the order of the sentences served
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds, serves, runs and explains.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let start = Instant::now();
    plugins::run(workspace, &plugins::Args { names: PLUGINS.map(str::to_owned).to_vec() })?;
    build_host(workspace)?;
    let address = text_server::start(PORT, args.seed)?;
    let manifest = manifest(workspace, address)?;
    let binary = workspace.target().join("quick/tidemill");
    let mut host = Command::new(&binary);
    host.current_dir(workspace.root()).arg("run").arg(&manifest);
    host.args(["--batches", &args.batches.to_string()]);
    let what = format!("counting words from {address}, {} batches: {}", args.batches, step::line(&host));
    step(what, || step::run(&mut host))?;
    eprintln!("\nThat was it, {} in all.", human_time(start.elapsed()));
    let binary = binary.strip_prefix(workspace.root()).unwrap_or(&binary);
    print_next(workspace, &binary.to_string_lossy(), &manifest);
    Ok(())
}

/// What to try next. Where plugins are built elsewhere, the example's own manifest would not find them.
fn print_next(workspace: &Workspace, host: &str, manifest: &Path) {
    let manifest = match is_target_ordinary(workspace) {
        true => Path::new(EXAMPLE),
        false => manifest,
    };
    eprintln!(
        "
Now type the lines yourself. In one terminal:

    nc -lk {PORT}

and in another:

    {host} run {}

This host was built to be there soon, not to be fast: that one is built by

    cargo build --release

in some minutes more, as target/release/tidemill. Where to go from there:

    examples/wordcount/README.md   what the pipeline is made of
    examples/orders/README.md      a bigger one: a trading dashboard over CSV files
    {host} --help
    cargo xtask test               everything a change has to pass",
        manifest.display()
    );
}

fn is_target_ordinary(workspace: &Workspace) -> bool {
    workspace.target() == workspace.root().join("target")
}

fn build_host(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", "quick", "--package", "tidemill"]);
    let what = "building the host (it contains a compiler for WebAssembly, so the first time takes minutes)";
    step(what, || step::run(&mut cargo))
}

/// The example's manifest; or, where the port was taken or plugins are built elsewhere, a copy that says so.
fn manifest(workspace: &Workspace, address: SocketAddr) -> Result<PathBuf> {
    if address.port() == PORT && is_target_ordinary(workspace) {
        return Ok(PathBuf::from(EXAMPLE));
    }
    let original = workspace.root().join(EXAMPLE);
    let text =
        fs::read_to_string(&original).with_context(|| format!("cannot read {}", original.display()))?;
    let folder = workspace.target().join("quickstart");
    let copy = folder.join("pipeline.toml");
    let text = adjust(&text, address, &workspace.plugin_dir());
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&copy, text))
        .with_context(|| format!("cannot write {}", copy.display()))?;
    Ok(copy)
}

fn adjust(manifest: &str, address: SocketAddr, plugins: &Path) -> String {
    manifest
        .replace(&format!("127.0.0.1:{PORT}"), &address.to_string())
        .replace("../../target/plugins", &plugins.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_manifest_names_the_real_port_and_folder() {
        let manifest = "path = \"../../target/plugins/add.wasm\"\naddress = \"127.0.0.1:9999\"";
        let adjusted = adjust(manifest, ([127, 0, 0, 1], 4000).into(), Path::new("/t/plugins"));
        assert_eq!(adjusted, "path = \"/t/plugins/add.wasm\"\naddress = \"127.0.0.1:4000\"");
    }
}
