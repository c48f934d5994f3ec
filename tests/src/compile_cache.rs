//! Compiled plugins are kept for the next start, and trusted only where this user's host has written them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use tidemill::metrics::Metrics;
use tidemill::plugin::{Engine, EngineOptions, PluginSpec, WasmPlugin};

use super::support::{Finished, Program, Project, plugin};

/// Counts the words of standard input, which has none, with the cache in `folder`.
fn run(folder: &Path) -> Finished {
    let project = Project::new(
        r#"
        [pipeline]
        name = "cached"
        batch_interval = "1s"
        [plugins.split]
        path = "@split_words"
        [sources.lines]
        kind = "stdin"
        [streams.words]
        op = "transform"
        from = "lines"
        plugin = "split"
        [sinks.screen]
        kind = "console"
        from = "words"
        "#,
    );
    let manifest = project.path("pipeline.toml");
    let finished = Program::start_with_cache(&["run", manifest.to_str().unwrap(), "--once"], folder).finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

/// The files in a cache, but for its key, with the time of their last change.
fn files(folder: &Path) -> BTreeMap<String, SystemTime> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.map(|entry| {
        (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().modified().unwrap())
    });
    files.filter(|(name, _)| name != "key").collect()
}

#[test]
fn a_second_start_compiles_nothing() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("deep/cache");
    run(&folder);
    let first = files(&folder);
    assert_eq!(first.len(), 1);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(folder.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
    run(&folder);
    assert_eq!(files(&folder), first);
}

#[test]
fn a_file_that_was_tampered_with_is_compiled_again_with_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    run(&folder);
    let name = files(&folder).into_keys().next().unwrap();
    let good = fs::read(folder.join(&name)).unwrap();
    for (what, bad) in [("changed", changed(&good)), ("cut", good[..good.len() / 2].to_vec())] {
        fs::write(folder.join(&name), bad).unwrap();
        let finished = run(&folder);
        assert_eq!(
            finished.num_logged("damaged or forged; compiling it again"),
            1,
            "{what}: {}",
            finished.stderr
        );
        assert_eq!(run(&folder).num_logged("damaged or forged"), 0, "{what}: it was not mended");
    }
}

fn changed(code: &[u8]) -> Vec<u8> {
    let mut code = code.to_vec();
    let middle = code.len() / 2;
    code[middle] ^= 1;
    code
}

#[test]
fn a_folder_that_others_can_open_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let finished = run(folder.path());
    assert_eq!(finished.num_logged("its mode must be 0700"), 1, "{}", finished.stderr);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn engines_that_start_at_once_share_a_cache() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let load = || {
        let engine =
            Engine::new(&EngineOptions { cache: Some(folder.clone()), ..EngineOptions::default() }).unwrap();
        WasmPlugin::load(&engine, "sum", &PluginSpec::new(plugin("sum")), &Metrics::new("p")).unwrap();
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let first = files(&folder);
    assert_eq!(first.len(), 1, "{first:?}");
    load();
    assert_eq!(files(&folder), first, "what they left is not trusted");
}
