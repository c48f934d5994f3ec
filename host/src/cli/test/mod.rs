//! `tidemill test`: calls a plugin with the rows of a file, without a pipeline, and shows what comes out.

pub mod args;
mod calls;
mod rows;

use std::path::Path;

use serde_json::Value;

use self::args::TestArgs;
use self::calls::{Answer, Given, call};
use self::rows::{Rows, json_lines, read};
use super::{End, engine, print};
use crate::metrics::Metrics;
use crate::plugin::{Call, Interface, LimitsSpec, PluginSpec, STACK_BYTES, WasmPlugin};

pub(super) fn test(args: &TestArgs) -> Result<(), End> {
    let given = given(args)?;
    let limits = toml::Table::from_iter(args.limit.iter().cloned());
    let limits: LimitsSpec = limits.try_into().map_err(|error| End::wrong(format!("--limit: {error}")))?;
    let spec = PluginSpec { config: args.config.clone(), limits, ..PluginSpec::new(&args.plugin) };
    let name = args.plugin.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let plugin = WasmPlugin::load(&engine()?, &name, &spec, &Metrics::new(""));
    let plugin = plugin.map_err(|error| End::wrong(error.failure))?;
    let kind = args.kind.map_or_else(|| kind_of(&plugin), Ok)?;
    let answer = call_apart(&plugin, kind, &given)?;
    let lines = [&answer.rows, &answer.rejected, &answer.states].into_iter().flatten();
    let lines: Vec<&Value> = lines.collect();
    print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    eprintln!("{}", summary(&given, &answer));
    if let Some(path) = &args.state {
        let kept = answer.states.iter().filter(|line| !line["state"].is_null());
        let text: String = kept.map(|line| format!("{line}\n")).collect();
        std::fs::write(path, text)
            .map_err(|error| End::failed(format!("cannot write {}: {error}", path.display())))?;
    }
    args.expect.as_ref().map_or(Ok(()), |path| compare(path, &lines))
}

fn given(args: &TestArgs) -> Result<Given, End> {
    let columns = args.columns.as_ref().map(|columns| &columns.0);
    let right_columns = args.right_columns.as_ref().map(|columns| &columns.0).or(columns);
    let right = args.right.as_ref().map(|path| Rows::read(path, right_columns)).transpose()?;
    let states = match &args.state {
        Some(path) if path.exists() => json_lines(path, &read(path)?)?,
        _ => Vec::new(),
    };
    Ok(Given {
        rows: Rows::read(&args.input, columns)?,
        right,
        key: args.key.clone(),
        states,
        time_out: args.time_out,
        repeat: args.repeat,
        call: Call { time: args.time, partition: 0 },
    })
}

/// What a plugin is called as that exports one thing.
fn kind_of(plugin: &WasmPlugin) -> Result<Interface, End> {
    let kinds: Vec<_> = plugin.interfaces().iter().copied().filter(|kind| !kind.is_companion()).collect();
    match kinds.as_slice() {
        [kind] => Ok(*kind),
        kinds => {
            let names = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
            Err(End::wrong(format!("the plugin exports {names}; say with --as which to call")))
        }
    }
}

/// Calls the plugin on a thread whose stack is as large as a guest may need.
fn call_apart(plugin: &WasmPlugin, kind: Interface, given: &Given) -> Result<Answer, End> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("test".into()).stack_size(STACK_BYTES);
        let calling = thread.spawn_scoped(scope, || call(plugin, kind, given));
        let calling = calling.map_err(|error| End::failed(format!("no thread to call it on: {error}")))?;
        calling.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn summary(given: &Given, answer: &Answer) -> String {
    let num_rows = given.rows.rows.len();
    let mut text =
        format!("{num_rows} rows in, {} out, {} refused", answer.rows.len(), answer.rejected.len());
    if let Some(each) = answer.time {
        let row = each.as_nanos() / (num_rows.max(1) as u128);
        text.push_str(&format!("; {:.3} ms a call, {row} ns a row", each.as_secs_f64() * 1000.0));
    }
    text
}

/// Compares what came out with the lines of a file, as JSON.
fn compare(path: &Path, lines: &[&Value]) -> Result<(), End> {
    let expected = json_lines(path, &read(path)?)?;
    for (number, (expected, found)) in (1..).zip(expected.iter().zip(lines)) {
        let expected = Value::from(expected.clone());
        if expected != **found {
            let place = path.display();
            return Err(End::failed(format!("{place}: line {number} should be {expected}, and is {found}")));
        }
    }
    if expected.len() == lines.len() {
        return Ok(());
    }
    Err(End::failed(format!(
        "{}: {} lines should come out, and {} do",
        path.display(),
        expected.len(),
        lines.len()
    )))
}
