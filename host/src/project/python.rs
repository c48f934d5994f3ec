//! Python: componentize-py from PyPI, in a virtual environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::producers::signed;
use super::tools::{home, install_once, is_complete, packages, run};
use super::{Install, Language, ProjectError, Work};

/// Python, by componentize-py.
#[derive(Debug)]
pub(super) struct Python;

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn mark(&self) -> &'static str {
        "plugin.py"
    }

    fn source(&self) -> &'static str {
        "plugin.py"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[("plugins/python/tidemill_plugin", "plugins/python/tidemill_plugin")]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let python = environment(work)?;
        let mut command = Command::new(&python);
        command.args(["-m", "tidemill_plugin", "plugin.py", "--wit"]).arg(work.sdk.join("wit"));
        command.arg("-o").arg(work.output);
        // Packages that the plugin imports: `pip install --target deps NAME`.
        if work.project.join("deps").is_dir() {
            command.args(["--path", "deps"]);
        }
        command.current_dir(work.project);
        command.env("PYTHONPATH", work.sdk.join("plugins/python")).env("PYTHONDONTWRITEBYTECODE", "1");
        run(&mut command)?;
        signed(work.output, "Python", &packages("python"))?;
        Ok(described())
    }
}

/// The Python of an environment that has componentize-py: the project's own, or the user's for all projects.
fn environment(work: &Work<'_>) -> Result<PathBuf, ProjectError> {
    let python = |folder: &Path| folder.join("bin").join("python");
    let own = work.project.join(".venv");
    if own.join("bin").join("componentize-py").is_file() {
        return Ok(python(&own));
    }
    let home = home("python")?;
    if !is_complete(&home) {
        if work.install == Install::Nothing {
            let install = "python3 -m venv .venv && .venv/bin/pip install";
            return Err(ProjectError::Missing {
                tool: described(),
                remedy: format!(
                    "say `tidemill build --install`, or in {} `{install} {}`",
                    work.project.display(),
                    requirements().join(" ")
                ),
            });
        }
        install_once(&home, || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
            let mut pip = Command::new(python(&home));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(requirements());
            run(&mut pip)
        })?;
    }
    Ok(python(&home))
}

fn requirements() -> Vec<String> {
    packages("python").into_iter().map(|(name, version)| format!("{name}=={version}")).collect()
}

fn described() -> String {
    packages("python")
        .into_iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect::<Vec<_>>()
        .join(", ")
}
