//! A call is a function of its arguments: a plugin that draws random numbers, reads clocks and relies on the order of
//! hash maps tells the same again, with any number of workers.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use serde_json::json;
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, StreamingContext};
use tidemill::plugin::PluginSpec;
use tidemill::record::{BatchTime, line_schema};
use tidemill::source::{
    Block, Extent, Interrupted, Opening, Reader, Recovery, Replayable, Room, Source, SourceError, Split,
};

use super::support::{Batches, Kept, Lines, engine, plugin};

const START: i64 = 1_795_548_600_250;
const NUM_BATCHES: usize = 3;
const NUM_SPLITS: usize = 7;
const NUM_BLOCKS: usize = 3;
/// So many that blocks aren't joined before a call.
const BLOCK_ROWS: usize = 4096;

/// Lines, so many batches of so many splits of so many blocks.
#[derive(Debug)]
struct Script;

/// What of it is to come.
struct Scenes(usize);

struct Scene(Vec<RecordBatch>);

impl Source for Script {
    fn kind(&self) -> &'static str {
        "script"
    }

    fn schema(&self) -> SchemaRef {
        line_schema()
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn open(&self, _: &Opening) -> Result<Reader, SourceError> {
        Ok(Reader::Replayable(Box::new(Scenes(NUM_BATCHES))))
    }
}

impl Replayable for Scenes {
    fn cut(&mut self, _: BatchTime, _: usize, _: Room) -> Result<Vec<Arc<dyn Split>>, SourceError> {
        self.0 -= 1;
        let mut random = Lines::new(self.0 as u64);
        let mut block = |index: usize| {
            let mut lines: Vec<String> = (0..BLOCK_ROWS).map(|_| random.line(6)).collect();
            lines[0] = if index == 1 { "sleep".to_owned() } else { format!("block {index}") };
            let column: ArrayRef = Arc::new(StringArray::from(lines));
            RecordBatch::try_new(line_schema(), vec![column]).unwrap()
        };
        let splits = (0..NUM_SPLITS).map(|_| {
            let scene = Scene((0..NUM_BLOCKS).map(&mut block).collect());
            Arc::new(scene) as Arc<dyn Split>
        });
        Ok(splits.collect())
    }

    fn is_finished(&self) -> bool {
        self.0 == 0
    }
}

impl Split for Scene {
    fn read(&self, into: &mut dyn FnMut(Block) -> Result<(), Interrupted>) -> Result<(), SourceError> {
        for rows in &self.0 {
            // Whoever takes it says what failed.
            let _ = into(Block { rows: rows.clone(), dead: Vec::new() });
        }
        Ok(())
    }
}

/// What the plugin told, and how many instances it took.
fn told(pipeline: &str, draws: &str, workers: usize) -> (Batches, usize) {
    let kept = Kept::default();
    let mut context = StreamingContext::new(pipeline, Duration::from_secs(1)).unwrap();
    context.clock(Arc::new(ManualClock::new(START)));
    context.engine(&engine());
    let lines = context.source("lines", Script);
    let spec = PluginSpec {
        config: json!({ "draws": draws }),
        reuse: Some(true),
        ..PluginSpec::new(plugin("uncertain"))
    };
    let uncertain = context.plugin("uncertain", spec);
    let told = context.transform("told", &lines, &uncertain);
    context.sink("kept", &told, kept.clone());
    let options = RunOptions {
        extent: Extent::Available,
        workers: NonZeroUsize::new(workers),
        ..RunOptions::default()
    };
    let running = context.start(&options).unwrap();
    let metrics = running.metrics();
    running.await_termination().unwrap();
    let name = "tidemill_plugin_instances_total{";
    let num_instances = metrics.text().lines().find(|line| line.starts_with(name)).map(|line| {
        let (_, number) = line.rsplit_once(' ').unwrap();
        number.parse().unwrap()
    });
    (kept.batches(), num_instances.unwrap())
}

#[test]
fn any_number_of_workers_tells_the_same() {
    for draws in ["never", "at open", "in a call"] {
        let (first, _) = told("pure", draws, 1);
        assert_eq!(first.len(), NUM_BATCHES);
        for workers in [1, 2, 4] {
            let (again, _) = told("pure", draws, workers);
            for ((time, expected), (_, rows)) in first.iter().zip(&again) {
                assert_eq!(expected.len(), NUM_SPLITS * NUM_BLOCKS * BLOCK_ROWS);
                let differs = expected.iter().zip(rows).find(|(expected, row)| expected != row);
                assert_eq!(differs, None, "draws {draws}, {workers} workers, batch {time}");
            }
            assert_eq!(first, again);
        }
    }
}

#[test]
fn instances_that_drew_nothing_are_used_again_and_others_only_where_it_does_not_show() {
    let num_tasks = NUM_BATCHES * NUM_SPLITS;
    // One opens the pipeline.
    assert_eq!(told("pure", "never", 1).1, 1 + 1);
    assert_eq!(told("pure", "at open", 1).1, 1 + num_tasks);
    assert_eq!(told("pure", "in a call", 1).1, 1 + num_tasks * NUM_BLOCKS);
}

#[test]
fn what_is_told_follows_from_the_batch_and_nothing_else() {
    let (batches, _) = told("pure", "in a call", 2);
    let mut numbers = HashSet::new();
    for (time, rows) in &batches {
        let (seconds, nanos) = (time / 1000, time % 1000 * 1_000_000);
        for row in rows {
            let fields: Vec<&str> = row.split(" | ").collect();
            let [_, clocks, environment, draws, _, floats] = fields[..] else { panic!("{row}") };
            assert_eq!(clocks, format!("{seconds}.{nanos} {time}000000"));
            assert_eq!(environment, "0 0");
            let number = draws.split(' ').next().unwrap().to_owned();
            assert!(numbers.insert(number), "a number is drawn twice: {draws}");
            assert!(floats.starts_with("7ff8000000000000 7ff8000000000000 "), "{floats}");
        }
    }
    let (other, _) = told("another", "in a call", 2);
    assert_ne!(batches[0].1[0], other[0].1[0], "pipelines draw the same numbers");
}
