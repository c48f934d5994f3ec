//! Components that take long or much memory to compile: the process that compiles them is ended, the host is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tidemill::metrics::Metrics;
use tidemill::plugin::{Compiler, Engine, EngineOptions, Limit, PluginFailure, PluginSpec, WasmPlugin};
use tidemill::record::{Bytes, Period};

use super::support::{Finished, PROGRAM, Program, Project, plugin, wait_until};

/// A small file that takes gigabytes and minutes to compile: each of many variables is to be followed through each
/// of many branches.
fn bomb() -> Vec<u8> {
    const VARIABLES: usize = 20_000;
    const BRANCHES: usize = 20_000;
    let set = |i: usize| format!("local.get 0 i32.const {i} i32.add local.set {i} ");
    let get = |i: usize| format!("local.get {i} i32.xor ");
    wat::parse_str(format!(
        "(component (core module (func (export \"f\") (param i32) (result i32) (local {}) {} {} i32.const 0 {})))",
        "i32 ".repeat(VARIABLES),
        (1..VARIABLES).map(set).collect::<String>(),
        "local.get 0 if i32.const 1 local.set 0 end ".repeat(BRANCHES),
        (1..VARIABLES).map(get).collect::<String>(),
    ))
    .unwrap()
}

/// Starts a pipeline with the bomb. A test is told from others by its `memory`, which its compiler is told too.
fn start(compile_time: &str, memory: Bytes) -> (Project, Program) {
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "bomb"
        batch_interval = "50ms"
        [plugins.odd]
        path = "bomb.wasm"
        limits = {{ compile_time = "{compile_time}", compile_memory = {} }}
        [sources.lines]
        kind = "stdin"
        [streams.passed]
        op = "transform"
        from = "lines"
        plugin = "odd"
        [sinks.screen]
        kind = "console"
        from = "passed"
        "#,
        memory.0
    ));
    project.write("bomb.wasm", bomb());
    let program = project.start(&["--once"]);
    (project, program)
}

/// The processes that compile with this limit of memory.
fn compilers(memory: Bytes) -> Vec<String> {
    let wanted = format!("compile-plugin\0--memory\0{}\0", memory.0);
    let compiles = |id: &String| {
        fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains(&wanted))
    };
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok()).filter(compiles).collect()
}

#[track_caller]
fn refused(finished: &Finished, problem: &str) {
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.error().contains(problem), "{}", finished.error());
}

#[test]
fn what_takes_long_to_compile_ends_at_its_limit_of_time() {
    let memory = Bytes(Bytes::mib(4000).0 + 1);
    let (_project, program) = start("300ms", memory);
    let finished = program.finish();
    refused(&finished, "compiling it took longer than 300ms; raise `limits.compile_time` if it needs longer");
    assert!(finished.time < Duration::from_secs(20), "{:?}", finished.time);
    assert!(compilers(memory).is_empty(), "the compiler lives on");
}

#[test]
fn what_takes_much_memory_to_compile_ends_at_its_limit_of_memory() {
    let memory = Bytes(Bytes::mib(100).0 + 2);
    let (_project, program) = start("300s", memory);
    let finished = program.finish();
    refused(
        &finished,
        "compiling it takes more memory than 100.0 MiB; raise `limits.compile_memory` if it needs more",
    );
    assert!(compilers(memory).is_empty(), "the compiler lives on");
}

#[test]
fn a_compiler_that_is_killed_is_told_from_one_that_reached_a_limit() {
    let memory = Bytes(Bytes::mib(4000).0 + 3);
    let (_project, program) = start("300s", memory);
    let compiler = wait_until("a compiler", || compilers(memory).pop());
    assert!(Command::new("kill").args(["-KILL", &compiler]).status().unwrap().success());
    refused(&program.finish(), "was killed from outside; see whether the machine has run out of memory");
}

#[test]
fn a_compiler_ends_with_its_host() {
    let memory = Bytes(Bytes::mib(4000).0 + 4);
    let (_project, program) = start("300s", memory);
    wait_until("a compiler", || compilers(memory).pop());
    program.signal("KILL");
    wait_until("the end of the compiler", || compilers(memory).is_empty().then_some(()));
    assert_eq!(program.finish().code, None);
}

fn load(engine: &Engine, path: PathBuf) -> Result<WasmPlugin, PluginFailure> {
    let mut spec = PluginSpec::new(path);
    spec.limits.compile_time = Some(Period::millis(5_000));
    spec.limits.compile_memory = Some(Bytes::mib(200));
    WasmPlugin::load(engine, "odd", &spec, &Metrics::new("p")).map_err(|error| error.failure)
}

fn engine(program: &str) -> Engine {
    let compiler = Compiler::Process(program.into());
    Engine::new(&EngineOptions { compiler, ..EngineOptions::default() }).unwrap()
}

#[test]
fn an_engine_goes_on_after_a_plugin_that_could_not_be_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bomb.wasm");
    fs::write(&file, bomb()).unwrap();
    let engine = engine(PROGRAM);
    let failure = load(&engine, file).unwrap_err();
    assert!(
        matches!(failure, PluginFailure::Limit(Limit::CompileTime(_) | Limit::CompileMemory(_))),
        "{failure}"
    );
    load(&engine, plugin("split_words")).unwrap();
}

#[test]
fn a_program_that_compiles_nothing_is_named() {
    let cases = [
        ("/nowhere/tidemill", "cannot start /nowhere/tidemill to compile plugins: "),
        ("/bin/false", "ends the compiler with exit status: 1 (it said nothing); build it again"),
        ("/bin/true", "can't be loaded: "),
    ];
    for (program, problem) in cases
        .into_iter()
        .filter(|(program, _)| program.starts_with("/nowhere") || Path::new(program).exists())
    {
        let failure = load(&engine(program), plugin("split_words")).unwrap_err().to_string();
        assert!(failure.contains(problem), "{program}: {failure}");
    }
}
