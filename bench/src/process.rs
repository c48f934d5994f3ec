//! The program as a whole: how soon the first batch is out, and the memory of a pipeline that waits.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::figures::{Figures, Goal, median};
use crate::wordcount::plugin;

/// Starts that are timed.
const STARTS: usize = 15;

/// Measures both, with the program beside this one.
pub fn measure(figures: &mut Figures, folder: &Path) -> Result<()> {
    let program = program()?;
    let made_up = manifest(folder, "start", "kind = \"generate\"\nrows = 100\nrate = 100000\n")?;
    start_millis(&program, &made_up)?;
    let millis = (0..STARTS).map(|_| start_millis(&program, &made_up)).collect::<Result<Vec<_>>>()?;
    figures.add("start.first_batch_ms", median(millis), "ms", Some(Goal::AtMost(200.0)));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let source = format!("kind = \"socket\"\naddress = \"{}\"\n", listener.local_addr()?);
    let waiting = manifest(folder, "rest", &source)?;
    let mut child = run(&program, &waiting)?;
    let _peer = listener.accept()?;
    std::thread::sleep(Duration::from_secs(3));
    let resident = resident_mib(child.id());
    child.kill()?;
    child.wait()?;
    figures.add("memory.rest_mib", resident?, "MiB", Some(Goal::AtMost(80.0 / 1.048_576)));
    Ok(())
}

fn program() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("tidemill");
    ensure!(path.exists(), "{} isn't there; run `cargo build --release -p tidemill`", path.display());
    Ok(path)
}

/// A word count with a batch every 10 ms.
fn manifest(folder: &Path, name: &str, source: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{name}.toml"));
    let text = format!(
        "[pipeline]\nname = \"{name}\"\nbatch_interval = \"10ms\"\n\
         [plugins.split]\npath = {:?}\n[plugins.sum]\npath = {:?}\n\
         [sources.lines]\n{source}\
         [streams.words]\nop = \"transform\"\nfrom = \"lines\"\nplugin = \"split\"\n\
         [streams.counts]\nop = \"reduce_by_key\"\nfrom = \"words\"\nkey = [\"word\"]\nplugin = \"sum\"\n\
         [sinks.screen]\nkind = \"console\"\nfrom = \"counts\"\nskip_empty = true\n",
        plugin("split_words")?,
        plugin("sum")?,
    );
    fs::write(&path, text)?;
    Ok(path)
}

fn run(program: &Path, manifest: &Path) -> Result<Child> {
    let mut command = Command::new(program);
    command.arg("run").arg(manifest).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("cannot run {}", program.display()))
}

/// From the start of the process to the first line that it prints.
fn start_millis(program: &Path, manifest: &Path) -> Result<f64> {
    let begun = Instant::now();
    let mut child = run(program, manifest)?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut line)?;
    let took = begun.elapsed();
    child.kill()?;
    child.wait()?;
    ensure!(line.starts_with("---"), "the first line is {line:?}");
    Ok(took.as_secs_f64() * 1000.0)
}

pub fn resident_mib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no resident size")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
