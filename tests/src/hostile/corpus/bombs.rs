//! What takes time, memory or stack without end, or falls.

use std::path::PathBuf;

use serde_json::json;
use tidemill::plugin::LimitsSpec;
use tidemill::record::{Bytes, Period};

use super::super::super::support::plugin;
use super::super::files::wat;
use super::{At, Case, Input, Kind};

pub fn cases() -> Vec<Case> {
    [by_lines(), at_open(), by_modules()].concat()
}

/// Limits that are met soon.
pub fn tight() -> LimitsSpec {
    LimitsSpec {
        memory: Some(Bytes::mib(16)),
        time: Some(Period::millis(400)),
        open_time: Some(Period::millis(800)),
        ..LimitsSpec::default()
    }
}

const LATE: &str = "the call took longer than 400ms; raise `limits.time` if it needs longer";
const LATE_TO_OPEN: &str = "open took longer than 800ms; raise `limits.open_time` if it needs longer";
const HUNGRY: &str = "it wants more memory than 16.0 MiB; raise `limits.memory` if it needs more";
const DEEP: &str = "its calls nest more deeply than a stack of 2.0 MiB holds; let it recurse less, or loop: \
    this limit is fixed";

/// Where frames are large, Rust's own stack, a part of the memory, is used up before that of WebAssembly.
const OUT_OF_STACK: &str = "it trapped: wasm trap: out of bounds memory access";

/// The plugin `misbehave`, which does what lines say.
pub fn misbehave() -> PathBuf {
    plugin("misbehave")
}

/// The lines that make `misbehave` fail, each with the kind of failure and its text.
pub fn bad_lines() -> Vec<(&'static str, Kind, &'static str)> {
    vec![
        ("spin", Kind::Limit, LATE),
        ("hoard", Kind::Limit, HUNGRY),
        ("recurse", Kind::Trapped, OUT_OF_STACK),
        ("abort", Kind::Trapped, "it trapped: wasm trap: wasm `unreachable` instruction executed"),
        (
            "panic",
            Kind::Trapped,
            "it trapped: wasm trap: wasm `unreachable` instruction executed (panicked at",
        ),
        ("fail", Kind::Failed, "the call failed: asked to by a line"),
        ("fail at length", Kind::Failed, "the call failed: long long long"),
    ]
}

fn by_lines() -> Vec<Case> {
    let bad = bad_lines().into_iter().map(|(line, kind, says)| {
        let case = Case::new(&format!("line `{line}`"), misbehave(), At::Call, kind, says);
        case.limits(tight()).input(Input::Lines(vec!["a", line, "b"]))
    });
    let grow = |name: &str, limits, says| {
        let limits = LimitsSpec { time: Some(Period::millis(20_000)), ..limits };
        let case = Case::new(name, misbehave(), At::Call, Kind::Limit, says);
        case.limits(limits).input(Input::Lines(vec!["grow"; 200]))
    };
    let rows = LimitsSpec { output_rows: Some(1_500_000), ..LimitsSpec::default() };
    let bytes = LimitsSpec { output: Some(Bytes::mib(10)), ..LimitsSpec::default() };
    bad.chain([
        grow(
            "ten thousand rows for each, by rows",
            rows,
            "it answered more than 1500000 rows; raise `limits.output_rows` if it needs more",
        ),
        grow(
            "ten thousand rows for each, by bytes",
            bytes,
            "it answered more than 10.0 MiB; raise `limits.output` if it needs more",
        ),
    ])
    .collect()
}

fn at_open() -> Vec<Case> {
    let open = |deed: &str, kind, says| {
        let case = Case::new(&format!("open `{deed}`"), misbehave(), At::Open, kind, says);
        case.limits(tight()).config(json!({ "open": deed }))
    };
    vec![
        open("spin", Kind::Limit, LATE_TO_OPEN),
        open("hoard", Kind::Limit, HUNGRY),
        open("recurse", Kind::Trapped, OUT_OF_STACK),
        open(
            "panic",
            Kind::Trapped,
            "it trapped: wasm trap: wasm `unreachable` instruction executed (panicked at",
        ),
        open("fail", Kind::Refused, "open refused: asked to by a line"),
        open("fail at length", Kind::Refused, "open refused: long long long"),
    ]
}

fn by_modules() -> Vec<Case> {
    let module = |name: &str, at, kind, says| Case::new(name, wat(name), at, kind, says).limits(tight());
    vec![
        module("start_spin", At::Open, Kind::Limit, LATE_TO_OPEN),
        module(
            "start_trap",
            At::Open,
            Kind::Trapped,
            "it trapped: wasm trap: wasm `unreachable` instruction executed",
        ),
        module(
            "open_trap",
            At::Open,
            Kind::Trapped,
            "it trapped: wasm trap: wasm `unreachable` instruction executed",
        ),
        module("realloc_spin", At::Open, Kind::Limit, LATE_TO_OPEN),
        module("realloc_wild", At::Open, Kind::Trapped, "it trapped: realloc"),
        module("memory_bomb", At::Call, Kind::Limit, HUNGRY),
        module(
            "table_bomb",
            At::Call,
            Kind::Limit,
            "its tables want more than 100000 elements; raise `limits.table_elements` if it needs more",
        ),
        module("recurse", At::Call, Kind::Limit, DEEP),
        module(
            "trap",
            At::Call,
            Kind::Trapped,
            "it trapped: wasm trap: wasm `unreachable` instruction executed",
        ),
        module("divide", At::Call, Kind::Trapped, "it trapped: wasm trap: integer divide by zero"),
    ]
}
