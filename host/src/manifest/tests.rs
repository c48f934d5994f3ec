//! Manifests in; pipelines, or the one message a user would see, out.
#![allow(clippy::unwrap_used, clippy::panic)]

mod faults;

use std::env::VarError;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use serde::Deserialize;

use super::kinds::{Chooser, Kinds};
use super::read::{Origin, parse};
use super::*;
use crate::dead_letters::LetterFiles;
use crate::operator::{Inputs, Opened, Operator, OperatorError, Tolerance};
use crate::record::{Bytes, DeclaredSchema, Interval, Period};
use crate::source::{self, Reader, Recovery, Source, SourceError};

/// A source of the tests, with an option of every shape.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "most options are there to be written wrong")]
struct Tap {
    address: String,
    #[serde(default)]
    max_rate: Option<u32>,
    #[serde(default)]
    wal: bool,
    #[serde(default)]
    max_line: Option<Bytes>,
    #[serde(default)]
    schema: Option<DeclaredSchema>,
    #[serde(default)]
    ports: Vec<u16>,
}

impl Source for Tap {
    fn kind(&self) -> &'static str {
        "tap"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.as_ref().map_or_else(|| Arc::new(Schema::empty()), |declared| declared.0.clone())
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn resolve(&mut self, base: &Path) {
        self.address = base.join(&self.address).display().to_string();
    }

    fn open(&self, _opening: &source::Opening) -> Result<Reader, SourceError> {
        Err(SourceError::Interrupted)
    }
}

/// The operators of the tests.
#[derive(Debug)]
struct Op {
    kind: &'static str,
    plugin: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallOptions {
    plugin: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}

impl Operator for Op {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn inputs(&self) -> Inputs {
        if self.kind == "union" { Inputs::Several } else { Inputs::One }
    }

    fn plugin(&self) -> Option<&str> {
        self.plugin.as_deref()
    }

    fn open(&self, _opening: &crate::operator::Opening<'_>) -> Result<Opened, OperatorError> {
        Err(OperatorError::Option { key: "plugin", problem: "is never opened here".to_owned() })
    }
}

const KINDS: Kinds = Kinds {
    sources: Chooser { kinds: &["tap"], choose: |_, options| Ok(Box::new(Tap::deserialize(options)?)) },
    operators: Chooser {
        kinds: &["call", "count", "union"],
        choose: |kind, options| {
            if kind == "call" {
                let plugin = Some(CallOptions::deserialize(options)?.plugin);
                return Ok(Box::new(Op { kind: "call", plugin }));
            }
            NoOptions::deserialize(options)?;
            Ok(Box::new(Op { kind: if kind == "union" { "union" } else { "count" }, plugin: None }))
        },
    },
    sinks: Kinds::BUILT_IN.sinks,
};

/// What `text` says as `pipeline.toml` in `/base`, where the environment has PORT only.
fn read(text: &str) -> Result<Manifest, ManifestError> {
    let origin = Origin {
        file: Some(Path::new("pipeline.toml")),
        base: Path::new("/base"),
        variables: &|name| {
            if name == "PORT" { Ok("9999".to_owned()) } else { Err(VarError::NotPresent) }
        },
        kinds: KINDS,
    };
    parse(text, &origin)
}

/// The message of `tidemill check` for `text`, or the streams in order.
fn check(text: &str) -> String {
    let manifest = match read(text) {
        Ok(manifest) => manifest,
        Err(error) => return error.to_string(),
    };
    match check_graph(&manifest.pipeline) {
        Ok(order) => order.iter().map(|node| manifest.pipeline.name_of(*node)).collect::<Vec<_>>().join(", "),
        Err(fault) => manifest.explain(&fault),
    }
}

const GOOD: &str = r#"[pipeline]
name = "wordcount"
batch_interval = "1s"
[plugins.split]
path = "split.wasm"
[sources.lines]
kind = "tap"
address = "tap:1"
[streams.words]
op = "call"
from = "lines"
plugin = "split"
[streams.sums]
op = "count"
from = "words"
[sinks.screen]
kind = "console"
from = "sums"
"#;

#[test]
fn every_key_is_read() {
    let text = r#"
        dead_letters = { kind = "files", path = "dead" }
        [sinks]
        files.kind = "files"
        files.from = "both"
        files.path = "out/rows"
        files.suffix = "csv"
        files.format = "csv"
        files.header = true
        files.skip_empty = true
        [streams]
        both = { op = "union", from = ["words", "lines"] }
        words = { op = "call", plugin = "split", from = "lines" }
        [sources.lines]
        kind = "tap"
        address = "127.0.0.1:${PORT}-$${PORT}"
        max_rate = 100
        wal = true
        max_line = "64KiB"
        schema = { z = "utf8", a = "int64?" }
        ports = [1, 2]
        [plugins.split]
        path = "split.wasm"
        sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        config = { z = 64, since = 2026-11-20, list = [1.5, "${PORT}"] }
        [plugins.split.limits]
        memory = "32MiB"
        time = "200ms"
        [pipeline]
        name = "wordcount"
        batch_interval = "250ms"
        workers = 2
        partitions = 16
    "#;
    let manifest = read(text).unwrap();
    let pipeline = &manifest.pipeline;
    assert_eq!(pipeline.name, "wordcount");
    assert_eq!(pipeline.interval.millis(), 250);
    assert_eq!(pipeline.workers.unwrap().get(), 2);
    assert_eq!(pipeline.partitions.get(), 16);
    let files = LetterFiles::new("/base/dead");
    assert_eq!(pipeline.dead_letters, Some(DeadLetterSpec::Files(files)));
    let PluginSource::File(plugin) = &pipeline.plugins["split"] else {
        panic!("not a file");
    };
    assert_eq!(plugin.path, Path::new("/base/split.wasm"));
    assert_eq!(plugin.config.to_string(), r#"{"z":64,"since":"2026-11-20","list":[1.5,"9999"]}"#);
    assert_eq!(plugin.limits.memory, Some(Bytes::mib(32)));
    assert_eq!(plugin.limits.time, Some(Period::millis(200)));
    let source = format!("{:?}", pipeline.sources["lines"]);
    assert!(source.contains("/base/127.0.0.1:9999-${PORT}"), "{source}");
    assert_eq!(crate::record::describe(&pipeline.sources["lines"].schema()), "z: utf8, a: int64?");
    assert_eq!(pipeline.streams["both"].from, ["words", "lines"]);
    assert_eq!(pipeline.sinks["files"].from, "both");
    assert!(format!("{:?}", pipeline.sinks["files"].sink).contains("/base/out/rows"));
    assert_eq!(check(text), "words, both");
}

#[test]
fn what_is_left_out_is_as_by_default() {
    let pipeline = read(GOOD).unwrap().pipeline;
    assert_eq!(pipeline.partitions, DEFAULT_PARTITIONS);
    assert_eq!((pipeline.workers, &pipeline.checkpoint), (None, &None));
    assert_eq!(pipeline.dead_letters, None);
    assert_eq!(check(GOOD), "words, sums");
}

/// A pipeline made from Rust, with a source `lines` and streams as `streams` says.
fn pipeline(streams: &[(&str, &[&str])], sink: &str) -> Pipeline {
    let mut pipeline = Pipeline::new("p", Interval::new(std::time::Duration::from_secs(1)).unwrap());
    let tap: Tap = toml::from_str("address = \"a\"").unwrap();
    pipeline.sources.insert("lines".to_owned(), Box::new(tap));
    for (name, from) in streams {
        let kind = if from.len() > 1 { "union" } else { "count" };
        let from = from.iter().map(|name| (*name).to_owned()).collect();
        pipeline.streams.insert(
            (*name).to_owned(),
            Stream { from, op: Box::new(Op { kind, plugin: None }), tolerance: Tolerance::default() },
        );
    }
    let output = Output { from: sink.to_owned(), sink: Box::new(crate::sink::Discard {}) };
    pipeline.sinks.insert("out".to_owned(), output);
    pipeline
}

#[test]
fn streams_come_after_those_they_are_made_from() {
    let pipeline = pipeline(
        &[("d", &["b", "c"]), ("c", &["a"]), ("b", &["a"]), ("a", &["lines"]), ("e", &["lines"])],
        "d",
    );
    let order: Vec<&str> =
        check_graph(&pipeline).unwrap().iter().map(|node| pipeline.name_of(*node)).collect();
    assert_eq!(order, ["a", "b", "c", "d", "e"]);
    let reached = pipeline.reaching_sinks();
    assert_eq!(reached.len(), 5);
    assert!(!reached.contains(&pipeline.find("e").unwrap()));
}

#[test]
fn a_cycle_is_said_in_the_direction_of_the_rows() {
    let pipeline = pipeline(&[("z", &["a"]), ("a", &["lines", "c"]), ("b", &["a"]), ("c", &["b"])], "z");
    assert_eq!(
        check_graph(&pipeline).unwrap_err().to_string(),
        "streams.a.from: the streams go round in a cycle, a -> b -> c -> a; let one of these streams read something else"
    );
}

#[test]
fn a_long_chain_is_checked_without_recursion() {
    let names: Vec<String> = (0..5_000).map(|i| format!("s{i}")).collect();
    let froms: Vec<[&str; 1]> =
        (0..5_000).map(|i| [names.get(i + 1).map_or("lines", String::as_str)]).collect();
    let streams: Vec<(&str, &[&str])> =
        names.iter().map(String::as_str).zip(froms.iter().map(|from| from.as_slice())).collect();
    assert_eq!(check_graph(&pipeline(&streams, "s0")).unwrap().len(), 5_000);
}
