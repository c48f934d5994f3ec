//! A folder with a manifest, as a user would have one, and the ways to run it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Finished, Program, cache_folder, plugin};

/// A project in a folder that is removed with it. Keep it for as long as the program runs.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// A project whose `pipeline.toml` is `manifest`. A value `"@name"` in it becomes the path of that plugin.
    pub fn new(manifest: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.change_manifest(manifest);
        project
    }

    /// Writes another `pipeline.toml`, likewise.
    pub fn change_manifest(&self, manifest: &str) {
        self.write("pipeline.toml", with_plugins(manifest));
    }

    /// Where the file or folder `name` of the project is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folder that it is in.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file aside and moves it to its name, as programs do whose files are watched.
    pub fn move_in(&self, name: &str, content: impl AsRef<[u8]>) {
        self.write("aside", content);
        fs::rename(self.path("aside"), self.path(name)).unwrap();
    }

    /// Makes an empty folder.
    pub fn make_folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    /// The dead letters of the pipeline `name` in the folder `dead`, in the order of their positions.
    pub fn dead_letters(&self, name: &str) -> Vec<serde_json::Value> {
        let texts = self.dead_letter_files(name).into_iter().map(|file| fs::read_to_string(file).unwrap());
        let text: String = texts.collect();
        let mut letters: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        letters.sort_by_key(|letter| letter["position"].to_string());
        letters
    }

    /// The files that these letters are in, the oldest first.
    pub fn dead_letter_files(&self, name: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("dead")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            names.filter(|file| file.starts_with(&format!("{name}.")) && file.ends_with(".jsonl")).collect();
        names.sort();
        names.into_iter().map(|file| self.path("dead").join(file)).collect()
    }

    /// Runs another command than `run` on its manifest, with `options`, to its end.
    pub fn command(&self, command: &[&str], options: &[&str]) -> Finished {
        let manifest = self.path("pipeline.toml");
        let arguments = [command, &[manifest.to_str().unwrap()], options].concat();
        Program::start(&arguments).finish()
    }

    /// Runs another command on a file or folder of its own, to its end.
    pub fn command_on(&self, command: &[&str], name: &str) -> Finished {
        let path = self.path(name);
        Program::start(&[command, &[path.to_str().unwrap()]].concat()).finish()
    }

    /// Starts `tidemill run` with `options`.
    #[must_use]
    pub fn start(&self, options: &[&str]) -> Program {
        let manifest = self.path("pipeline.toml");
        let arguments = [&["run", manifest.to_str().unwrap()], options].concat();
        Program::start(&arguments)
    }

    /// Starts it likewise, with more variables in its environment.
    #[must_use]
    pub fn start_with(&self, options: &[&str], variables: &[(&str, &str)]) -> Program {
        let manifest = self.path("pipeline.toml");
        let arguments = [&["run", manifest.to_str().unwrap()], options].concat();
        Program::start_with(&arguments, &cache_folder(), variables)
    }

    /// Runs `tidemill run` with `options` to its end, without input.
    pub fn run(&self, options: &[&str]) -> Finished {
        self.start(options).finish()
    }

    /// Runs `tidemill run` to its end, which must be a good one.
    #[track_caller]
    pub fn succeed(&self, options: &[&str]) -> Finished {
        let finished = self.run(options);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        finished
    }
}

fn with_plugins(manifest: &str) -> String {
    let mut pieces = manifest.split("\"@");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('"').expect("a plugin's name ends in a quote");
        text.push_str(&format!("\"{}\"{rest}", plugin(name).display()));
    }
    text
}
