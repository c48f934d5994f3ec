//! `cargo xtask plugins`: every plugin of the repository as a file in `target/plugins`.
//!
//! In: the workspace members that are `cdylib`s. Out: one `NAME.wasm` each, written only when its bytes
//! changed, and then whole, so that a running host that watches the folder swaps what changed and
//! nothing else.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace::{Plugin, Workspace};
use tidemill_toolchain::Guest;
use tidemill_toolchain::step::{self, step};

/// Build the plugins of this repository to target/plugins/NAME.wasm.
///
/// Installs what building them takes, where that is missing: the wasm32-unknown-unknown target by
/// rustup, or (with RUSTUP_AUTO_INSTALL=0, on Debian) a compiler with the source of its standard library.
#[derive(clap::Args)]
pub struct Args {
    /// Only these, by the name of the file or the crate [default: all]
    pub names: Vec<String>,
}

/// Builds the plugins named, or all.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let plugins = choose(workspace.plugins(), &args.names)?;
    build(workspace, &plugins)
}

/// Builds all plugins; the first step of most other commands.
pub fn build_all(workspace: &Workspace) -> Result<()> {
    run(workspace, &Args { names: Vec::new() })
}

fn choose<'a>(plugins: &'a [Plugin], names: &[String]) -> Result<Vec<&'a Plugin>> {
    if names.is_empty() {
        return Ok(plugins.iter().collect());
    }
    names.iter().map(|name| find(plugins, name)).collect()
}

fn find<'a>(plugins: &'a [Plugin], name: &str) -> Result<&'a Plugin> {
    let found = plugins.iter().find(|plugin| plugin.name == name || plugin.package == name);
    found.with_context(|| {
        let known: Vec<_> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
        format!("there is no plugin `{name}`; there are: {}", known.join(", "))
    })
}

fn build(workspace: &Workspace, plugins: &[&Plugin]) -> Result<()> {
    if plugins.is_empty() {
        eprintln!("\n==> no member of the workspace is a plugin");
        return Ok(());
    }
    let guest = Guest::find_or_install()?;
    let what = format!("building plugins ({}) with {}", plugins.len(), guest.describe());
    let built = step(what, || compile(cargo_build(workspace, &guest), plugins))?;
    let folder = workspace.plugin_dir();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for file in &built {
        publish(file, &folder)?;
    }
    Ok(())
}

/// `cargo build` for plugins, less the packages. It builds into a folder of its own, because another compiler and
/// other flags than the host's would have cargo build both again and again.
fn cargo_build(workspace: &Workspace, guest: &Guest) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", "plugin", "--target-dir"]).arg(workspace.target().join("wasm"));
    guest.target(&mut cargo, workspace.root());
    cargo
}

/// One cargo invocation for all, so that they share their dependencies and both cores.
fn compile(mut cargo: Command, plugins: &[&Plugin]) -> Result<Vec<PathBuf>> {
    cargo.args(["--lib", "--message-format", "json-render-diagnostics"]);
    for plugin in plugins {
        cargo.args(["--package", &plugin.package]);
    }
    let mut child = cargo.stdout(Stdio::piped()).spawn().with_context(|| step::cannot_start(&cargo))?;
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    let mut built = Vec::new();
    for line in BufReader::new(stdout).lines() {
        built.extend(wasm_files(&line?)?);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("cargo could not build the plugins ({status}); its messages above say why");
    }
    if built.len() != plugins.len() {
        bail!(
            "cargo built {} files for {} plugins; is `crate-type` `cdylib` in each?",
            built.len(),
            plugins.len()
        );
    }
    built.sort();
    Ok(built)
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The plugins in one of cargo's messages: most are about something else.
fn wasm_files(message: &str) -> Result<Vec<PathBuf>> {
    if !message.starts_with('{') {
        return Ok(Vec::new());
    }
    let message: Message = serde_json::from_str(message).context("cargo wrote a message that is not JSON")?;
    let is_wasm = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
    Ok(message.filenames.into_iter().filter(is_wasm).collect())
}

/// Copies a plugin where manifests look for it, and prints its name and size.
fn publish(file: &Path, folder: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = file.file_stem().context("a plugin's file has no name")?.to_string_lossy();
    let goal = folder.join(format!("{name}.wasm"));
    let changed = fs::read(&goal).ok().as_deref() != Some(bytes.as_slice());
    if changed {
        let aside = folder.join(format!(".{name}.wasm.new"));
        fs::write(&aside, &bytes).with_context(|| format!("cannot write {}", aside.display()))?;
        fs::rename(&aside, &goal).with_context(|| format!("cannot write {}", goal.display()))?;
    }
    let note = if changed { "" } else { "  unchanged" };
    eprintln!("    {:>6.1} kB  {name}{note}", bytes.len() as f64 / 1000.0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_is_found_among_the_files_of_a_message() -> Result<()> {
        let line = r#"{"reason": "compiler-artifact", "filenames": ["/t/add.wasm", "/t/libadd.rlib"]}"#;
        assert_eq!(wasm_files(line)?, [PathBuf::from("/t/add.wasm")]);
        assert!(wasm_files(r#"{"reason": "build-finished", "success": true}"#)?.is_empty());
        assert!(wasm_files("not a message")?.is_empty());
        Ok(())
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let plugins = [Plugin { package: "std-add".into(), name: "add".into() }];
        let error = choose(&plugins, &["sub".into()]).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("there is no plugin `sub`; there are: add"));
    }
}
