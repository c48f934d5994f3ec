//! Zig, and C and C++ by the same compiler: the package ziglang from PyPI, which holds the compiler and the libraries of C
//! and C++ for WebAssembly.
//!
//! Their SDKs share one runtime in C, `plugins/c/src`, which is compiled with the plugin.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::module::{componentize, core_of};
use super::tools::{home, is_complete, packages, python_package, run};
use super::{Install, Language, ProjectError, Work, file};

/// C.
#[derive(Debug)]
pub(super) struct C;

/// C++.
#[derive(Debug)]
pub(super) struct Cpp;

/// Zig.
#[derive(Debug)]
pub(super) struct Zig;

impl Language for C {
    fn name(&self) -> &'static str {
        "c"
    }

    fn mark(&self) -> &'static str {
        "plugin.c"
    }

    fn source(&self) -> &'static str {
        "plugin.c"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[("plugins/c/include", "plugins/c/include"), ("plugins/c/src", "plugins/c/src")]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let mut zig = compiler(work, FAST)?;
        zig.command.args(["-cflags", "-std=c17", "-Wall", "-Wextra", "--"]);
        zig.command.args(sources(work.project, "c")?);
        zig.runtime(work)?;
        zig.finish(work, "C")
    }
}

impl Language for Cpp {
    fn name(&self) -> &'static str {
        "cpp"
    }

    fn mark(&self) -> &'static str {
        "plugin.cpp"
    }

    fn source(&self) -> &'static str {
        "plugin.cpp"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("plugins/c/include", "plugins/c/include"),
            ("plugins/c/src", "plugins/c/src"),
            ("plugins/cpp/include", "plugins/cpp/include"),
        ]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let mut zig = compiler(work, FAST)?;
        zig.command.arg("-I").arg(work.sdk.join("plugins/cpp/include")).arg("-lc++");
        zig.command.args(["-cflags", "-std=c++23", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "--"]);
        zig.command.args(sources(work.project, "cpp")?);
        zig.runtime(work)?;
        zig.finish(work, "C++")
    }
}

impl Language for Zig {
    fn name(&self) -> &'static str {
        "zig"
    }

    fn mark(&self) -> &'static str {
        "plugin.zig"
    }

    fn source(&self) -> &'static str {
        "plugin.zig"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("plugins/c/include", "plugins/c/include"),
            ("plugins/c/src", "plugins/c/src"),
            ("plugins/zig/src", "plugins/zig/src"),
        ]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let mut zig = compiler(work, SAFE)?;
        let sdk = work.sdk.join("plugins/zig/src");
        let module = |name: &str, path: &Path| format!("-M{name}={}", path.display());
        zig.runtime(work)?;
        zig.command.args(["-rdynamic", "--dep", "plugin", "--dep", "tidemill"]);
        zig.command.arg(module("root", &sdk.join("root.zig")));
        zig.command.args(["--dep", "tidemill"]).arg(module("plugin", &work.project.join("plugin.zig")));
        zig.command.arg(module("tidemill", &sdk.join("tidemill.zig")));
        zig.finish(work, "Zig")
    }
}

/// How C and C++ are compiled, and how Zig is: with its checks, which end a call.
const FAST: &str = "ReleaseFast";
const SAFE: &str = "ReleaseSafe";

/// The stack of a plugin, in its memory.
const STACK: &str = "262144";

/// The compiler, with what it is told so far.
struct Compiler {
    command: Command,
    version: String,
}

impl Compiler {
    /// Adds the runtime in C.
    fn runtime(&mut self, work: &Work<'_>) -> Result<(), ProjectError> {
        let sdk = work.sdk.join("plugins/c");
        self.command.arg("-I").arg(sdk.join("include"));
        // Hidden, or Zig exports it all.
        self.command.args([
            "-cflags",
            "-std=c17",
            "-O2",
            "-fno-sanitize=undefined",
            "-fvisibility=hidden",
            "--",
        ]);
        self.command.args(sources(&sdk.join("src"), "c")?);
        Ok(())
    }

    /// Compiles what was named to a component.
    fn finish(mut self, work: &Work<'_>, language: &str) -> Result<String, ProjectError> {
        self.command.arg(format!("-femit-bin={}", core_of(work.output).display()));
        run(self.command.current_dir(work.project))?;
        let tools = [("zig".to_owned(), self.version.clone())];
        componentize(work, language, &tools)?;
        Ok(format!("zig {}", self.version))
    }
}

/// The files of a folder with this ending that are no tests, in order.
fn sources(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, ProjectError> {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(file("read", folder))? {
        let path = entry.map_err(file("read", folder))?.path();
        let is_test = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("_test"));
        if path.extension().is_some_and(|found| found == ending) && !is_test {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

/// The pinned compiler, told to make a module: `zig` on the path where it is of that version, or the user's for all projects.
fn compiler(work: &Work<'_>, mode: &str) -> Result<Compiler, ProjectError> {
    let (mut command, version) = zig(work)?;
    command.args(["build-exe", "-target", "wasm32-wasi", "-mexec-model=reactor", "-O", mode]);
    command.args(["-fstrip", "-lc", "--stack", STACK]);
    Ok(Compiler { command, version })
}

fn zig(work: &Work<'_>) -> Result<(Command, String), ProjectError> {
    let (package, version) = packages("zig").into_iter().next().unwrap_or_default();
    let own = Command::new("zig").arg("version").output();
    if own.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == version) {
        return Ok((Command::new("zig"), version));
    }
    let home = home("zig")?;
    if !is_complete(&home) {
        if work.install == Install::Nothing {
            return Err(ProjectError::Missing {
                tool: format!("zig {version}"),
                remedy: format!("say `tidemill build --install`, or put zig {version} on PATH"),
            });
        }
        python_package(&home, &format!("{package}=={version}"))?;
    }
    let mut command = Command::new(home.join("bin/python"));
    let cache = home.join("cache");
    command.args(["-m", "ziglang"]).env("ZIG_GLOBAL_CACHE_DIR", &cache).env("ZIG_LOCAL_CACHE_DIR", &cache);
    Ok((command, version))
}
