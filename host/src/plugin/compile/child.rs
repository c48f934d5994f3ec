//! What the process does that compiles one plugin: limits itself, reads Wasm, writes code.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::super::engine;

/// The exit code for a plugin that can't be compiled; why stands on standard error.
pub(super) const REFUSED: u8 = 3;

/// The most threads that compile one plugin: the memory that they take must not follow from the machine.
pub(super) const MAX_THREADS: usize = 4;

/// What a compiling process is told by its command line.
#[derive(Clone, Copy, Debug)]
pub struct CompileRequest {
    /// The most bytes of memory.
    pub memory: u64,
    /// The most seconds of processor time, over all threads.
    pub cpu_seconds: u64,
}

/// Compiles the plugin on standard input and writes its code to standard output, within limits that this process
/// keeps from now on. Nothing but `main` should call it: it is what `PROGRAM compile-plugin` is to do.
pub fn compile_plugin(request: &CompileRequest) -> ExitCode {
    // A panic of the compiler is told to the host, in one line.
    std::panic::set_hook(Box::new(|_| {}));
    match compile(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = io::stderr().write_all(problem.as_bytes());
            ExitCode::from(REFUSED)
        }
    }
}

fn compile(request: &CompileRequest) -> Result<(), String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("can't be compiled: {what}: {error}");
    // What is the same for every plugin comes before the limits: it is no plugin's doing.
    let num_threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build_global();
    threads.map_err(|error| failed("no threads", &error))?;
    let wasm = engine::for_compiling().map_err(|error| failed("no compiler", &error))?;
    limit(request).map_err(|error| failed("its limits can't be set", &error))?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| failed("it can't be read", &error))?;
    let code = super::compile(&wasm, &bytes)?;
    io::stdout().lock().write_all(&code).map_err(|error| failed("its code can't be written", &error))
}

/// The host ends this process at its deadline. These limits hold by themselves, and when the host is gone.
fn limit(request: &CompileRequest) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // On Linux all memory that can be written to, but not address space that is only reserved.
    set(Resource::Data, request.memory)?;
    set(Resource::Cpu, request.cpu_seconds)?;
    set(Resource::Core, 0)
}

/// Sets a limit, where there is no lower one already.
fn set(resource: Resource, most: u64) -> io::Result<()> {
    let most = Some(getrlimit(resource).maximum.map_or(most, |already| already.min(most)));
    Ok(setrlimit(resource, Rlimit { current: most, maximum: most })?)
}
