//! Projects of plugins: a folder with source in some language, made from a template, built to a component.
//!
//! A language is a file that implements `Language`; the list of all is here. The SDKs are in the program and are
//! written beside a project, so that it builds wherever it is taken. Knows nothing of pipelines.

mod adapter;
mod assemblyscript;
mod create;
mod embedded;
mod go;
mod js;
mod module;
mod producers;
mod python;
mod rust;
mod sdk;
mod tools;
mod zig;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

pub use create::{Kind, create};
pub use producers::{Producers, producers};

/// What went wrong with a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A file can't be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// A tool isn't there.
    #[error("{tool} isn't here; {remedy}")]
    Missing {
        /// The tool.
        tool: String,
        /// What to do.
        remedy: String,
    },
    /// A tool failed; what it said stands in the text.
    #[error("{0}")]
    Failed(String),
}

/// A language that plugins can be written in.
pub trait Language: Debug + Sync {
    /// Its name on the command line, and of its folder in `plugins`.
    fn name(&self) -> &'static str;

    /// The file that tells that a project is in this language.
    fn mark(&self) -> &'static str;

    /// The file to edit in a new project.
    fn source(&self) -> &'static str;

    /// What else of the SDK belongs to it than the contract: files whose path begins so, and where they go.
    fn sdk(&self) -> &'static [(&'static str, &'static str)];

    /// Builds a project to a component or core module. Answers what with.
    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError>;
}

/// All languages. Projects of AssemblyScript hold a `package.json` as well, so it comes before JavaScript.
pub static LANGUAGES: [&dyn Language; 8] = [
    &rust::Rust,
    &python::Python,
    &assemblyscript::AssemblyScript,
    &js::Js,
    &go::Go,
    &zig::C,
    &zig::Cpp,
    &zig::Zig,
];

/// What is to be built.
#[derive(Debug)]
pub struct Work<'a> {
    /// The folder of the project.
    pub project: &'a Path,
    /// The folder of the SDK.
    pub sdk: &'a Path,
    /// The file to write.
    pub output: &'a Path,
    /// Whether to install tools that are missing.
    pub install: Install,
}

/// Whether tools that are missing are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Install {
    /// They are.
    Missing,
    /// They are named, with what installs them.
    Nothing,
}

/// What was built, and with what.
#[derive(Debug)]
pub struct Built {
    /// The file.
    pub file: PathBuf,
    /// What built it.
    pub tool: String,
}

/// Builds the project in the folder `project` to `output`, by default `plugin.wasm` in it.
pub fn build(project: &Path, output: Option<&Path>, install: Install) -> Result<Built, ProjectError> {
    let language = language_of(project)?;
    // Tools are run in other folders than this one.
    let project = std::path::absolute(project).map_err(file("find", project))?;
    let output = output.map_or_else(|| project.join("plugin.wasm"), Path::to_path_buf);
    let output = std::path::absolute(&output).map_err(file("find", &output))?;
    let sdk = sdk::find(&project).map_or_else(|| sdk::unpack(language), Ok)?;
    let tool = language.build(&Work { project: &project, sdk: &sdk, output: &output, install })?;
    Ok(Built { file: output, tool })
}

/// The language of a project, by the files that are there.
fn language_of(project: &Path) -> Result<&'static dyn Language, ProjectError> {
    if !project.is_dir() {
        return Err(ProjectError::Wrong(format!(
            "{} is no folder; name that of a project",
            project.display()
        )));
    }
    LANGUAGES.into_iter().find(|language| project.join(language.mark()).is_file()).ok_or_else(|| {
        let marks: Vec<_> = LANGUAGES.iter().map(|l| format!("{} ({})", l.mark(), l.name())).collect();
        ProjectError::Wrong(format!(
            "{} holds none of {}; `tidemill new` makes a project",
            project.display(),
            marks.join(", ")
        ))
    })
}

/// An error about a file, for `map_err`.
fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ProjectError {
    let path = path.to_path_buf();
    move |source| ProjectError::File { what, path, source }
}
