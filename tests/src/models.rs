//! Random graphs of operators over random batches, against a model of a few lines.
//!
//! A graph reads one or two sources, and puts windows, joins, reductions, states and the like behind one another in any
//! order, with plugins of Wasm and of the program. The model says what each output has to be given, row by row; where an
//! order is promised, in that order. Any number of workers has to give the same bytes, and so has a run that ends
//! and goes on from its checkpoint.
//!
//! The cases are the same in every run. `cargo xtask fuzz` goes through others, and what fails once stays in
//! `proptest-regressions`, from where it is tried first.

mod engine;
mod functions;
mod graph;
mod input;
mod made_up;
mod model;
mod plugins;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseResult, TestRunner};

use engine::{Given, all_rows, run, word};
use functions::Row;
use graph::{Graph, Order, graphs};
use input::{Input, inputs};

/// A graph, what comes in, how many workers there are, and after which batch a run ends and another goes on.
type Case = (Graph, Input, usize, u64);

fn cases() -> impl Strategy<Value = Case> {
    let cases = graphs().prop_flat_map(|graph| {
        let inputs = inputs(graph.num_sources);
        (Just(graph), inputs, 2..9_usize, any::<prop::sample::Index>())
    });
    cases.prop_map(|(graph, input, workers, end)| {
        let end = end.index(input.num_batches as usize) as u64 + 1;
        (graph, input, workers, end)
    })
}

/// Goes through `num` cases that are always the same, or through new ones for as long as `cargo xtask fuzz` says.
fn try_cases(num: u32, check: impl Fn(Case) -> TestCaseResult) {
    let seconds = std::env::var("TIDEMILL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        let mut runner = TestRunner::new(Config {
            cases: num,
            rng_seed: if end.is_some() { RngSeed::Random } else { RngSeed::Fixed(7) },
            failure_persistence: Some(Box::new(FileFailurePersistence::default())),
            source_file: Some(file!()),
            max_shrink_iters: 300,
            ..Config::default()
        });
        if let Err(error) = runner.run(&cases(), &check) {
            panic!("{error}");
        }
        if end.is_none_or(|end| Instant::now() >= end) {
            return;
        }
    }
}

/// Runs a case, and fails where that fails.
fn given(
    (graph, input, ..): &Case,
    workers: usize,
    ends: &[u64],
    checkpoint: Option<&std::path::Path>,
) -> Result<Vec<Given>, TestCaseError> {
    run(graph, input, workers, ends, checkpoint).map_err(TestCaseError::fail)
}

#[test]
fn fuzz_graphs_give_what_the_model_gives_and_the_same_bytes_with_any_number_of_workers() {
    let seen = RefCell::new(BTreeSet::new());
    try_cases(96, |case| {
        let (graph, input, workers, _) = &case;
        let Some(streams) = model::run(graph, input) else {
            return Err(TestCaseError::reject("too many rows"));
        };
        let ends = [input.num_batches];
        let given = given(&case, 1, &ends, None)?;
        for (&output, given) in graph.outputs.iter().zip(&given) {
            let expected = &streams[output];
            let numbers: Vec<u64> = given.iter().map(|(time, _)| time + 1 - input.first).collect();
            prop_assert_eq!(numbers, expected.keys().copied().collect::<Vec<_>>(), "batches of {}", output);
            for ((_, partitions), (number, expected)) in given.iter().zip(expected) {
                let rows = in_order(all_rows(partitions), graph.order(output));
                let expected = in_order(expected.clone(), graph.order(output));
                prop_assert!(
                    rows == expected,
                    "batch {number} of {output}: {}",
                    difference(&rows, &expected)
                );
            }
        }
        same(&given, &self::given(&case, *workers, &ends, None)?)?;
        seen.borrow_mut().extend(graph.nodes.iter().map(|node| word(node.op)));
        Ok(())
    });
    assert_eq!(seen.borrow().len(), 21, "the cases have too few operators in them: {seen:?}");
}

#[test]
fn fuzz_graphs_that_go_on_from_a_checkpoint_give_the_same_bytes() {
    try_cases(16, |case| {
        let (graph, input, workers, end) = &case;
        if model::run(graph, input).is_none() {
            return Err(TestCaseError::reject("too many rows"));
        }
        let folder = tempfile::tempdir().unwrap();
        let mut ends = vec![*end, input.num_batches];
        ends.dedup();
        let whole = given(&case, *workers, &[input.num_batches], None)?;
        same(&whole, &given(&case, *workers, &ends, Some(&folder.path().join("checkpoint")))?)
    });
}

/// Fails where two runs gave other bytes.
fn same(first: &[Given], second: &[Given]) -> TestCaseResult {
    for (first, second) in first.iter().zip(second) {
        for (first, second) in first.iter().zip(second) {
            prop_assert_eq!(first.0, second.0);
            prop_assert!(first.1 == second.1, "batch {}: {:?} and then {:?}", first.0, first.1, second.1);
        }
        prop_assert_eq!(first.len(), second.len());
    }
    Ok(())
}

/// `rows`, sorted where no order of all of them is promised.
fn in_order(mut rows: Vec<Row>, order: Order) -> Vec<Row> {
    if order < Order::OfAll {
        rows.sort_unstable();
    }
    rows
}

/// Where two lists of rows begin to differ.
fn difference(rows: &[Row], expected: &[Row]) -> String {
    let place = rows.iter().zip(expected).take_while(|(row, expected)| row == expected).count();
    format!(
        "{} rows, and {} are expected; from row {place} on {:?}, and {:?} are expected",
        rows.len(),
        expected.len(),
        rows.iter().skip(place).take(5).collect::<Vec<_>>(),
        expected.iter().skip(place).take(5).collect::<Vec<_>>()
    )
}
