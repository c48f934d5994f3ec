//! `tidemill inspect`: what a plugin is, without a pipeline.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::args::InputSchema;
use super::{End, engine, print};
use crate::metrics::Metrics;
use crate::plugin::{Interface, Plugin, PluginError, PluginSpec, WasmPlugin};
use crate::project::producers;
use crate::record::{Bytes, Period, describe, describe_field};

/// The columns that a plugin is to be opened with.
pub(super) struct Columns {
    input: SchemaRef,
    key: SchemaRef,
    right: SchemaRef,
}

impl Columns {
    /// Those of the input or the values, of keys, and of the second stream of a cogroup.
    pub(super) fn new(input: &InputSchema, key: Option<&InputSchema>, right: Option<&InputSchema>) -> Self {
        let of = |schema: &InputSchema| Arc::clone(&schema.0);
        Self {
            input: of(input),
            key: key.map_or_else(|| Arc::new(Schema::empty()), of),
            right: of(right.unwrap_or(input)),
        }
    }
}

pub(super) fn inspect(path: &Path, columns: Option<&Columns>) -> Result<(), End> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let wrong = |error: PluginError| End::wrong(error.failure);
    let plugin =
        WasmPlugin::load(&engine()?, &name, &PluginSpec::new(path), &Metrics::new("")).map_err(wrong)?;
    let limits = plugin.limits();
    let mut out = head(&plugin);
    // It was read a moment ago; where it is gone since, what made it is not known.
    let made = producers(&std::fs::read(path).unwrap_or_default());
    let _ = writeln!(out, "language {made}");
    let _ = writeln!(
        out,
        "imports  {}",
        if plugin.imports().is_empty() { "nothing".to_owned() } else { plugin.imports().join(", ") }
    );
    let _ = writeln!(out, "grants   none; WASI, where it is imported, reaches nothing");
    let _ = writeln!(
        out,
        "limits   memory {}, time {}, open_time {}, input {}, output {}, output_rows {},",
        limits.memory,
        Period(limits.time),
        Period(limits.open_time),
        limits.input,
        limits.output,
        limits.output_rows
    );
    let _ = writeln!(
        out,
        "         memories {}, tables {}, table_elements {}, instances {}, log_line {}, log_rate {}",
        limits.memories,
        limits.tables,
        limits.table_elements,
        limits.instances,
        limits.log_line,
        limits.log_rate
    );
    if let Some(columns) = columns {
        let _ = writeln!(out, "input    {}", describe(&columns.input));
        for interface in plugin.interfaces() {
            match show(&mut out, *interface, &plugin, &name, columns) {
                // One that exports several kinds need not take the same columns as each of them.
                Err(error) if plugin.interfaces().len() > 1 => {
                    let _ = writeln!(out, "{} {}", interface.name(), error.failure);
                }
                shown => shown.map_err(wrong)?,
            }
        }
    }
    print(&out)
}

/// What can be said of any plugin in few words.
pub(super) fn head(plugin: &WasmPlugin) -> String {
    let kinds: Vec<_> = plugin.interfaces().iter().map(|interface| interface.name()).collect();
    let size = Bytes(plugin.file_bytes() as u64);
    let digest = &plugin.id().digest;
    format!("kind     {}\nsize     {size}\nsha256   {digest}\n", kinds.join(", "))
}

/// Opens the plugin as what it exports, and shows what it answers.
fn show(
    out: &mut String,
    interface: Interface,
    plugin: &WasmPlugin,
    name: &str,
    columns: &Columns,
) -> Result<(), PluginError> {
    let Columns { input, key, right } = columns;
    match interface {
        Interface::Transform => show_plan(out, plugin, name, input)?,
        Interface::Reduce => {
            plugin.reducer(name, input)?;
            let _ = writeln!(out, "output   {}, one row a key", describe(input));
        }
        Interface::Inverse => {
            plugin.inverter(name, input)?;
        }
        Interface::Aggregate => {
            let opened = plugin.aggregator(name, input)?;
            let _ = writeln!(out, "keeps    {}", describe(opened.accumulator()));
            let _ = writeln!(out, "output   {}, one row a key", describe(opened.output()));
        }
        Interface::Cogroup => {
            let opened = plugin.cogrouper(name, key, input, right)?;
            let _ = writeln!(out, "output   {}", columns_or_nothing(opened.output()));
        }
        Interface::UpdateState => {
            let opened = plugin.updater(name, key, input)?;
            let _ = writeln!(out, "keeps    {}", columns_or_nothing(opened.state()));
            let _ = writeln!(out, "output   {}", columns_or_nothing(opened.output()));
        }
        Interface::MigrateState => {
            plugin.migrator(name, key, input)?;
        }
    }
    Ok(())
}

fn show_plan(
    out: &mut String,
    plugin: &WasmPlugin,
    name: &str,
    schema: &SchemaRef,
) -> Result<(), PluginError> {
    let opened = plugin.transformer(name, schema)?;
    let plan = opened.plan();
    let named = |columns: &[usize]| {
        let names: Vec<_> =
            columns.iter().filter_map(|&c| schema.fields().get(c)).map(|f| f.name().as_str()).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let produced: Vec<_> = plan.produces.iter().map(|field| describe_field(field)).collect();
    let _ = writeln!(out, "reads    {}", named(&plan.reads));
    let _ = writeln!(out, "carries  {}", named(&plan.carries));
    let _ = writeln!(
        out,
        "produces {}",
        if produced.is_empty() { "nothing".to_owned() } else { produced.join(", ") }
    );
    Ok(())
}

fn columns_or_nothing(schema: &Schema) -> String {
    if schema.fields().is_empty() { "nothing".to_owned() } else { describe(schema) }
}
