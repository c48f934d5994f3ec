//! AssemblyScript: its compiler from npm, with Node.js.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::module::{componentize, core_of};
use super::tools::{home, is_complete, node_packages, packages, run};
use super::{Install, Language, ProjectError, Work};

/// AssemblyScript, by asc.
#[derive(Debug)]
pub(super) struct AssemblyScript;

impl Language for AssemblyScript {
    fn name(&self) -> &'static str {
        "assemblyscript"
    }

    fn mark(&self) -> &'static str {
        "asconfig.json"
    }

    fn source(&self) -> &'static str {
        "plugin.ts"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("plugins/assemblyscript/lib", "plugins/assemblyscript/lib"),
            ("plugins/assemblyscript/compile.mjs", "plugins/assemblyscript/compile.mjs"),
            ("plugins/assemblyscript/build.mjs", "plugins/assemblyscript/build.mjs"),
            ("plugins/assemblyscript/exports.mjs", "plugins/assemblyscript/exports.mjs"),
            ("plugins/assemblyscript/test.mjs", "plugins/assemblyscript/test.mjs"),
        ]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let tools = tools(work)?;
        let mut node = Command::new("node");
        node.arg(work.sdk.join("plugins/assemblyscript/build.mjs")).arg("plugin.ts");
        node.arg("--tools").arg(tools).arg("--output").arg(core_of(work.output)).current_dir(work.project);
        run(&mut node)?;
        let tools = packages("assemblyscript");
        componentize(work, "AssemblyScript", &tools)?;
        Ok(described())
    }
}

/// A folder whose `node_modules` has the compiler: the project's own, or the user's for all projects.
fn tools(work: &Work<'_>) -> Result<PathBuf, ProjectError> {
    let has_tools = |folder: &Path| folder.join("node_modules/assemblyscript/dist/asc.js").is_file();
    if has_tools(work.project) {
        return Ok(work.project.to_path_buf());
    }
    let home = home("assemblyscript")?;
    if !is_complete(&home) {
        if work.install == Install::Nothing {
            return Err(ProjectError::Missing {
                tool: described(),
                remedy: format!(
                    "say `tidemill build --install`, or in {} `npm install`",
                    work.project.display()
                ),
            });
        }
        node_packages(&home, "assemblyscript")?;
    }
    Ok(home)
}

fn described() -> String {
    packages("assemblyscript").into_iter().map(|(name, version)| format!("{name} {version}")).collect()
}
