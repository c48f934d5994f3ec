//! The program and the languages' own tools, run to their end. Tools of languages are installed once for all tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

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
    // Others may want the same file at the same time.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
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

/// The pinned compiler of Go, and of Zig, which is one of C and C++ too; fetched where it isn't there yet.
pub fn compiler(language: &str) -> Command {
    built(&repository().join("tests/languages").join(language), &format!("{language}-cases"));
    let version = version(language);
    let home = kept("toolchains").join(format!("{language}-{version}"));
    let cache = home.join("cache");
    if language == "go" {
        let mut go = Command::new(home.join("bin/go"));
        go.env("GOCACHE", cache).env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=mod");
        return go;
    }
    let mut zig = Command::new(home.join("bin/python"));
    zig.args(["-m", "ziglang"]).env("ZIG_GLOBAL_CACHE_DIR", &cache).env("ZIG_LOCAL_CACHE_DIR", cache);
    zig
}

/// The pinned version of a language's first tool.
pub fn version(language: &str) -> String {
    let versions = std::fs::read_to_string(repository().join("plugins/toolchains.toml")).unwrap();
    let versions: toml::Table = versions.parse().unwrap();
    versions[language].as_table().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
}

/// When the newest file in a folder was written.
fn newest(path: &Path) -> Option<std::time::SystemTime> {
    if !path.is_dir() {
        return path.metadata().and_then(|found| found.modified()).ok();
    }
    std::fs::read_dir(path).ok()?.filter_map(|entry| newest(&entry.ok()?.path())).max()
}
