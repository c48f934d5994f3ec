//! What a plugin may use: defaults, what a manifest asks for, and the hard maxima.

use std::time::Duration;

use serde::Deserialize;

use crate::record::{Bytes, Period};

/// The limits a manifest sets for a plugin; what it leaves out is as by default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Memory of an instance.
    pub memory: Option<Bytes>,
    /// Memories that a component's modules have.
    pub memories: Option<u32>,
    /// Tables that a component's modules have.
    pub tables: Option<u32>,
    /// Elements in all tables of an instance.
    pub table_elements: Option<u32>,
    /// Modules that a component makes instances of.
    pub instances: Option<u32>,
    /// Time of one call.
    pub time: Option<Period>,
    /// Time of `open`.
    pub open_time: Option<Period>,
    /// Bytes into one call; more rows than fit are given in several calls.
    pub input: Option<Bytes>,
    /// Bytes out of one call.
    pub output: Option<Bytes>,
    /// Rows out of one call.
    pub output_rows: Option<u32>,
    /// Bytes of a log line.
    pub log_line: Option<Bytes>,
    /// Bytes of the log in a second.
    pub log_rate: Option<Bytes>,
    /// Size of the file.
    pub file: Option<Bytes>,
    /// Time to compile it.
    pub compile_time: Option<Period>,
    /// Memory to compile it.
    pub compile_memory: Option<Bytes>,
}

/// The limits in force for a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of an instance.
    pub memory: Bytes,
    /// Memories that a component's modules have.
    pub memories: u32,
    /// Tables that a component's modules have.
    pub tables: u32,
    /// Elements in all tables of an instance.
    pub table_elements: u32,
    /// Modules that a component makes instances of.
    pub instances: u32,
    /// Time of one call.
    pub time: Duration,
    /// Time of `open`.
    pub open_time: Duration,
    /// Bytes into one call.
    pub input: Bytes,
    /// Bytes out of one call.
    pub output: Bytes,
    /// Rows out of one call.
    pub output_rows: u32,
    /// Bytes of a log line; longer ones are cut.
    pub log_line: Bytes,
    /// Bytes of the log in a second; lines beyond are dropped and counted.
    pub log_rate: Bytes,
    /// Size of the file.
    pub file: Bytes,
    /// Time to compile it.
    pub compile_time: Duration,
    /// Memory to compile it.
    pub compile_memory: Bytes,
}

/// The most that a manifest may ask for.
pub const MAXIMUM: Limits = Limits {
    memory: Bytes::mib(1024),
    memories: 16,
    tables: 64,
    table_elements: 1_000_000,
    instances: 1000,
    time: Duration::from_secs(60),
    open_time: Duration::from_secs(120),
    input: Bytes::mib(256),
    output: Bytes::mib(256),
    output_rows: 64_000_000,
    log_line: Bytes(16 << 10),
    log_rate: Bytes::mib(1),
    file: Bytes::mib(256),
    compile_time: Duration::from_secs(300),
    compile_memory: Bytes::mib(4096),
};

/// A component larger than this carries an interpreter, which wants more memory and time for the same rows.
const INTERPRETER_FILE: Bytes = Bytes::mib(1);

impl Limits {
    /// The limits that `spec` sets for a plugin whose file holds `file_bytes`. The error names the key
    /// that asks for more than is allowed.
    pub fn new(spec: &LimitsSpec, file_bytes: u64) -> Result<Self, String> {
        let interpreted = file_bytes > INTERPRETER_FILE.0;
        let either = |interpreter, other| if interpreted { interpreter } else { other };
        let period =
            |asked: Option<Period>, default_secs| asked.map_or(Duration::from_secs(default_secs), |p| p.0);
        let limits = Self {
            memory: spec.memory.unwrap_or(Bytes::mib(either(256, 64))),
            memories: spec.memories.unwrap_or(4),
            tables: spec.tables.unwrap_or(16),
            table_elements: spec.table_elements.unwrap_or(100_000),
            instances: spec.instances.unwrap_or(100),
            time: period(spec.time, either(5, 1)),
            open_time: period(spec.open_time, 5),
            input: spec.input.unwrap_or(Bytes::mib(either(2, 8))),
            output: spec.output.unwrap_or(Bytes::mib(64)),
            output_rows: spec.output_rows.unwrap_or(8_000_000),
            log_line: spec.log_line.unwrap_or(Bytes(1 << 10)),
            log_rate: spec.log_rate.unwrap_or(Bytes(64 << 10)),
            file: spec.file.unwrap_or(Bytes::mib(64)),
            compile_time: period(spec.compile_time, either(120, 30)),
            compile_memory: spec.compile_memory.unwrap_or(Bytes::mib(1024)),
        };
        within("memory", limits.memory, MAXIMUM.memory)?;
        within("memories", limits.memories, MAXIMUM.memories)?;
        within("tables", limits.tables, MAXIMUM.tables)?;
        within("table_elements", limits.table_elements, MAXIMUM.table_elements)?;
        within("instances", limits.instances, MAXIMUM.instances)?;
        within("time", Period(limits.time), Period(MAXIMUM.time))?;
        within("open_time", Period(limits.open_time), Period(MAXIMUM.open_time))?;
        within("input", limits.input, MAXIMUM.input)?;
        within("output", limits.output, MAXIMUM.output)?;
        within("output_rows", limits.output_rows, MAXIMUM.output_rows)?;
        within("log_line", limits.log_line, MAXIMUM.log_line)?;
        within("log_rate", limits.log_rate, MAXIMUM.log_rate)?;
        within("file", limits.file, MAXIMUM.file)?;
        within("compile_time", Period(limits.compile_time), Period(MAXIMUM.compile_time))?;
        within("compile_memory", limits.compile_memory, MAXIMUM.compile_memory)?;
        Ok(limits)
    }
}

fn within<T: PartialOrd + std::fmt::Display>(key: &str, asked: T, most: T) -> Result<(), String> {
    if asked <= most {
        Ok(())
    } else {
        Err(format!("limits.{key} asks for {asked}; at most {most} is allowed"))
    }
}
