//! Swaps while rows come without a pause.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const NUM_SWAPS: usize = 100;

#[test]
fn a_hundred_swaps_under_load_lose_nothing_repeat_nothing_and_change_only_between_batches() {
    let files = Files::new();
    let (queue, kept, counts) =
        (Queue::new(lines(&[]).schema(), Take::All), Kept::default(), Kept::default());
    let mut context = context();
    context.workers(NonZeroUsize::new(2).unwrap());
    let say = context.plugin("say", PluginSpec::new(files.version("versioned", "v0")));
    let source = context.queue_stream("lines", &queue);
    let said = context.transform("said", &source, &say);
    let counted = context.count("counts", &said);
    context.sink("kept", &said, kept.clone());
    context.sink("counts", &counted, counts.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    let versions = [files.version("versioned", "v1"), files.version("versioned", "v0")];

    let is_done = AtomicBool::new(false);
    let num_rows = std::thread::scope(|scope| {
        let feeding = scope.spawn(|| {
            let mut next = 0_usize;
            while !is_done.load(Ordering::Relaxed) {
                let texts: Vec<String> = (next..next + 3000).map(|number| number.to_string()).collect();
                queue.push(lines(&texts.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
                next += 3000;
                // No faster than batches take them.
                wait_until("room", || (queue.len() < 4).then_some(()));
            }
            next
        });
        for version in versions.iter().cycle().take(NUM_SWAPS) {
            running.swap("say", version).unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
        feeding.join().unwrap()
    });
    rows(&kept, num_rows);
    running.stop(StopMode::Graceful);
    running.await_termination().unwrap();

    let (mut seen, mut changes, mut last) = (HashSet::new(), 0, None);
    for (time, rows) in kept.batches() {
        let mut versions = HashSet::new();
        for row in rows {
            let (version, number) = row.trim_matches(['(', ')']).split_once(' ').unwrap();
            versions.insert(version.to_owned());
            assert!(seen.insert(number.parse::<usize>().unwrap()), "{number} comes twice");
        }
        assert!(versions.len() <= 1, "batch {time} ran on {versions:?}");
        let version = versions.into_iter().next();
        changes += usize::from(version.is_some() && last.is_some() && version != last);
        last = version.or(last);
    }
    assert_eq!(seen.len(), num_rows);
    assert!(seen.iter().max().is_some_and(|most| most + 1 == num_rows));
    assert!(changes > NUM_SWAPS / 2, "{changes} changes were seen");
    let counted: usize = counts.batches().iter().flat_map(|(_, rows)| rows).map(|row| number(row)).sum();
    assert_eq!(counted, num_rows);
}

fn number(row: &str) -> usize {
    row.trim_matches(['(', ')']).parse().unwrap()
}
