//! The corpus under load: a pipeline runs in the same process, on the same engine, and each of its batches is what
//! it is alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidemill::context::{RunOptions, StreamingContext};
use tidemill::plugin::PluginSpec;
use tidemill::record::{BatchTime, Partition, TextRows};
use tidemill::sink::{Delivery, Opening, Sink, SinkError, Writer};
use tidemill::source::{Extent, Generate};

use super::super::support::plugin;
use super::ENGINE;
use super::corpus::corpus;

/// What a pipeline wrote, row after row.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<String>>);

impl Sink for Kept {
    fn kind(&self) -> &'static str {
        "kept"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Nowhere
    }

    fn open(&self, _: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(Box::new(self.clone()))
    }
}

impl Writer for Kept {
    fn stage(&mut self, _: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        let mut text = self.0.lock().unwrap();
        for block in partitions.iter().flatten() {
            let rows = TextRows::new(block)?;
            for row in 0..block.num_rows() {
                rows.write(row, &mut text)?;
                text.push('\n');
            }
        }
        Ok(())
    }

    fn publish(&mut self, _: BatchTime) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Counts the words of 20,000 made-up lines with the plugins that ship; answers what came out.
fn word_count() -> String {
    let kept = Kept::default();
    let mut context = StreamingContext::new("load", Duration::from_millis(100)).unwrap();
    context.engine(&ENGINE);
    let lines = context.generate("lines", Generate { rows: Some(20_000), ..Generate::default() });
    let split = context.plugin("split", PluginSpec::new(plugin("split_words")));
    let sum = context.plugin("sum", PluginSpec::new(plugin("sum")));
    let words = context.transform("words", &lines, &split);
    let counts = context.reduce_by_key("counts", &words, &["word"], &sum);
    context.sink("kept", &counts, kept.clone());
    let options = RunOptions { extent: Extent::Available, ..RunOptions::default() };
    let summary = context.start(&options).unwrap().await_termination().unwrap();
    assert_eq!((summary.num_rows_in, summary.num_dead_letters), (20_000, 0));
    let text = kept.0.lock().unwrap();
    text.clone()
}

#[test]
fn a_pipeline_beside_the_corpus_is_right() {
    let cases = corpus();
    let alone = word_count();
    assert!(alone.lines().count() > 1000, "{} words", alone.lines().count());
    let over = AtomicBool::new(false);
    let runs = std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let mut num_runs = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(word_count(), alone, "run {num_runs}");
                num_runs += 1;
            }
            num_runs
        });
        let driven: Vec<String> =
            cases.iter().filter(|case| case.run().is_ok()).map(|case| case.name.clone()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(driven.is_empty(), "these did well: {driven:?}");
        beside.join().unwrap()
    });
    assert!(runs >= 2, "{runs} runs beside the corpus");
}
