//! The program and the languages' own tools, run to their end. Tools of languages are installed once for all tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::super::support::{PROGRAM, cache_folder};

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A folder that outlives the tests, for what is slow to make.
pub fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The program with `arguments`, in `folder`. Waits as long as it takes: an installation may take minutes.
pub fn tidemill(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder);
    command.env("TIDEMILL_CACHE", cache_folder()).env("TIDEMILL_TOOLCHAINS", kept("toolchains"));
    // Projects in Rust share what they build; the one that runs the tests is busy with its own.
    command.env("CARGO_TARGET_DIR", kept("rust-projects"));
    command.output().unwrap()
}

/// The same, which must go well; answers what it printed.
#[track_caller]
pub fn succeed(folder: &Path, arguments: &[&str]) -> String {
    text_of(tidemill(folder, arguments))
}

/// What a tool printed that must have done well.
#[track_caller]
pub fn text_of(output: Output) -> String {
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    stdout
}

/// Builds the project in `project` to `name`, where its source or the SDKs are newer than what is there.
pub fn built(project: &Path, name: &str) -> PathBuf {
    let plugin = kept("language-plugins").join(format!("{name}.wasm"));
    let made = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let sources =
        [project.to_path_buf(), repository().join("plugins"), repository().join("wit"), PROGRAM.into()];
    let newest = sources.iter().filter_map(|path| newest(path)).max();
    if made(&plugin) < newest {
        succeed(project, &["build", ".", "--install", "--output", plugin.to_str().unwrap()]);
    }
    plugin
}

/// When the newest file in a folder was written.
fn newest(path: &Path) -> Option<std::time::SystemTime> {
    if !path.is_dir() {
        return path.metadata().and_then(|found| found.modified()).ok();
    }
    std::fs::read_dir(path).ok()?.filter_map(|entry| newest(&entry.ok()?.path())).max()
}
