//! Rust: cargo, with whatever compiles for WebAssembly here.

use std::path::PathBuf;
use std::process::Command;

use tidemill_toolchain::{Guest, TARGET};

use super::producers::signed;
use super::tools::run;
use super::{Install, Language, ProjectError, Work, file};

/// Rust, by cargo.
#[derive(Debug)]
pub(super) struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn mark(&self) -> &'static str {
        "Cargo.toml"
    }

    fn source(&self) -> &'static str {
        "src/lib.rs"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("plugins/rust/sdk.toml", "Cargo.toml"),
            ("plugins/rust/tidemill-plugin", "plugins/rust/tidemill-plugin"),
            ("plugins/rust/tidemill-plugin-macros", "plugins/rust/tidemill-plugin-macros"),
        ]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let guest = match work.install {
            Install::Missing => Guest::find_or_install(),
            Install::Nothing => Guest::find(),
        };
        let guest = guest.map_err(|error| ProjectError::Failed(format!("{error:#}")))?;
        // A folder of its own: another compiler than that of the tests would have cargo build both again and again.
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| work.project.join("target"), PathBuf::from);
        let target = std::path::absolute(target.join("wasm")).map_err(file("find", &target))?;
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(work.project)
            .args(["build", "--release", "--lib", "--quiet", "--target-dir"])
            .arg(&target);
        guest.target(&mut cargo, work.project);
        run(&mut cargo)?;
        let built = target.join(TARGET).join("release").join(format!("{}.wasm", library(work)?));
        std::fs::copy(&built, work.output).map_err(file("copy", &built))?;
        // Without debug information it doesn't say so itself.
        let version = guest.version().map_err(|error| ProjectError::Failed(format!("{error:#}")))?;
        signed(work.output, "Rust", &[("rustc".to_owned(), version)])?;
        Ok(guest.describe())
    }
}

/// The name of the library, and so of the file that cargo makes.
fn library(work: &Work<'_>) -> Result<String, ProjectError> {
    let path = work.project.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).map_err(file("read", &path))?;
    let wrong =
        |problem: &dyn std::fmt::Display| ProjectError::Wrong(format!("{}: {problem}", path.display()));
    let manifest: toml::Table = text.parse().map_err(|error| wrong(&error))?;
    let name =
        |table: &str| manifest.get(table).and_then(|table| table.get("name")).and_then(|name| name.as_str());
    let name = name("lib").or_else(|| name("package")).ok_or_else(|| wrong(&"it names no package"))?;
    Ok(name.replace('-', "_"))
}
