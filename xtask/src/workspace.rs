//! Where the repository is, where its builds go, and which of its members are plugins.
//!
//! All of it is cargo's own answer (`cargo metadata`), so that `CARGO_TARGET_DIR` and a new member
//! are understood without a word here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use tidemill_toolchain::step;

/// The repository this command runs in.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
    plugins: Vec<Plugin>,
}

/// A workspace member that becomes a plugin: its library is a `cdylib`.
pub struct Plugin {
    /// The name of the package, as `cargo build -p` takes it.
    pub package: String,
    /// The name of the library and so of the file: `split_words`.
    pub name: String,
}

impl Workspace {
    /// Asks cargo about the workspace that holds this crate.
    pub fn open() -> Result<Workspace> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        if let Some(crate_dir) = env::var_os("CARGO_MANIFEST_DIR") {
            command.current_dir(crate_dir);
        }
        let text = step::output(&mut command).context("cannot read the workspace")?;
        let metadata: Metadata =
            serde_json::from_str(&text).context("cargo metadata answered something unexpected")?;
        let mut plugins: Vec<_> = metadata.packages.iter().filter_map(Package::plugin).collect();
        plugins.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Workspace { root: metadata.workspace_root, target: metadata.target_directory, plugins })
    }

    /// The folder of the root `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts what it builds.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where finished plugins go.
    pub fn plugin_dir(&self) -> PathBuf {
        self.target.join("plugins")
    }

    /// The members that are plugins, by name.
    pub fn plugins(&self) -> &[Plugin] {
        &self.plugins
    }

    /// Builds all programs, with what `cargo xtask test` builds, so that nothing is built twice.
    pub fn build_programs(&self) -> Result<()> {
        let mut build = self.cargo();
        build.args(["build", "--workspace", "--bins", "--tests"]);
        step::step("building the programs (the first time takes minutes)", || step::run(&mut build))
    }

    /// The file of the program `name`, once it is built.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A cargo command that runs in the root folder.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }
}

/// The cargo that started this process, so that one toolchain does everything.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Package {
    fn plugin(&self) -> Option<Plugin> {
        let is_plugin = |target: &&Target| target.kind.iter().any(|kind| kind == "cdylib");
        let library = self.targets.iter().find(is_plugin)?;
        Some(Plugin { package: self.name.clone(), name: library.name.replace('-', "_") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_with_a_cdylib_is_a_plugin() -> Result<()> {
        let package: Package = serde_json::from_str(
            r#"{"name": "split-words", "targets": [{"name": "split_words", "kind": ["cdylib", "rlib"]}]}"#,
        )?;
        let plugin = package.plugin().context("not seen as a plugin")?;
        assert_eq!((plugin.package.as_str(), plugin.name.as_str()), ("split-words", "split_words"));
        Ok(())
    }

    #[test]
    fn an_ordinary_library_is_none() -> Result<()> {
        let package: Package = serde_json::from_str(
            r#"{"name": "tidemill", "targets": [{"name": "tidemill", "kind": ["lib"]}]}"#,
        )?;
        assert!(package.plugin().is_none());
        Ok(())
    }
}
