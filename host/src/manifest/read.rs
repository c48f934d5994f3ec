//! Reads a manifest: TOML text to a `Pipeline`, and places to lines.
//!
//! The tree that the text is parsed to gives the lines first, then the variables' values are put in, then its
//! tables are read. Whether these fit together is for `check_graph` to say.

use std::fs;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::environment::{self, Lookup};
use super::fault::{Fault, Located, ManifestError, Place};
use super::kinds::Kinds;
use super::lines::{Lines, line_at};
use super::outline::Outline;
use super::pipeline::Pipeline;
use super::tables::Tables;

/// A pipeline read from TOML, with where in the text everything stands.
#[derive(Debug)]
pub struct Manifest {
    /// What it describes.
    pub pipeline: Pipeline,
    /// What it says, to be compared with another one.
    pub outline: Outline,
    file: Option<PathBuf>,
    lines: Lines,
}

impl Manifest {
    /// Reads the file `path`. Paths in it are relative to its folder.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
        let origin = Origin { file: Some(path), ..Origin::new(path.parent().unwrap_or(Path::new(""))) };
        parse(&text, &origin)
    }

    /// Reads `text`, in which paths are relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ManifestError> {
        parse(text, &Origin::new(base))
    }

    /// The line of `place`, counted from 1; of the table around it where the place itself is not in the text.
    pub fn locate(&self, place: &Place) -> Option<usize> {
        self.lines.of(place)
    }

    /// One message for `fault`: `pipeline.toml:12: streams.words.from: problem; remedy`.
    pub fn explain(&self, fault: &Fault) -> String {
        self.explainer()(fault)
    }

    /// What explains faults once the pipeline was taken out.
    pub fn explainer(&self) -> impl Fn(&Fault) -> String + use<> {
        let (file, lines) = (self.file.clone(), self.lines.clone());
        move |fault| {
            let (file, line) = (file.clone(), lines.of(&fault.place));
            Located { file, line, fault: fault.clone() }.to_string()
        }
    }
}

/// What a manifest's text is read against.
pub(super) struct Origin<'a> {
    pub(super) file: Option<&'a Path>,
    pub(super) base: &'a Path,
    pub(super) variables: Lookup<'a>,
    pub(super) kinds: Kinds,
}

impl<'a> Origin<'a> {
    /// Paths start at `base`; variables and kinds are this process's.
    pub(super) fn new(base: &'a Path) -> Self {
        Self { file: None, base, variables: &|name| std::env::var(name), kinds: Kinds::BUILT_IN }
    }
}

/// Reads `text`.
pub(super) fn parse(text: &str, origin: &Origin<'_>) -> Result<Manifest, ManifestError> {
    let file = origin.file.map(Path::to_owned);
    let wrong = |line, fault| ManifestError::Wrong(Box::new(Located { file: file.clone(), line, fault }));
    let mut root = DeTable::parse(text).map_err(|error| {
        let (line, fault) = syntax_fault(text, &error);
        wrong(Some(line), fault)
    })?;
    let lines = Lines::new(text, root.get_ref());
    let (pipeline, outline) = environment::substitute(root.get_mut(), "", origin.variables)
        .and_then(|()| {
            let outline = Outline::new(root.get_ref());
            Ok((Tables::new(root.into_inner())?.read(origin)?, outline))
        })
        .map_err(|fault| wrong(lines.of(&fault.place), fault))?;
    Ok(Manifest { pipeline, outline, file, lines })
}

/// What is wrong where text is not TOML, and on which line.
fn syntax_fault(text: &str, error: &toml::de::Error) -> (usize, Fault) {
    let span = error.span().unwrap_or(text.len()..text.len());
    let line = line_at(text, span.start);
    let (problem, remedy) = match text.get(span) {
        Some(key) if error.message() == "duplicate key" => {
            (format!("`{}` is there twice", key.trim()), "rename one of them or leave it out")
        }
        _ => (format!("this is not TOML: {}", error.message()), "correct this line"),
    };
    (line, Fault::new(Place::item(""), problem.replace('\n', " "), remedy))
}
