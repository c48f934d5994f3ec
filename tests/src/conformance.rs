//! The expectations of Spark's own tests: those that passed still do, and the list of the others is true.

use std::path::Path;
use std::sync::OnceLock;

use conformance::{Case, CaseFile, Exceptions, Harness, Report, Verdict, read_folder};

use super::support::{cache_folder, plugin, plugin_folder};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance"))
}

fn exceptions() -> Exceptions {
    Exceptions::read(&folder().join("exceptions.toml")).unwrap()
}

fn harness() -> Harness {
    for function in ["transform", "reduce", "aggregate", "update", "map_with_state"] {
        plugin(&format!("named_{function}"));
    }
    Harness::new(&plugin_folder(), Some(cache_folder())).unwrap()
}

/// The verdicts on the cases of this repository.
fn report() -> &'static Report {
    static REPORT: OnceLock<Report> = OnceLock::new();
    REPORT.get_or_init(|| Report::run(&read_folder(folder()).unwrap(), &harness(), &exceptions()))
}

#[test]
fn every_case_passes_or_stands_among_the_exceptions_with_its_reason() {
    let bad = |(_, verdict): &(&str, &Verdict)| {
        matches!(verdict, Verdict::Failed(_) | Verdict::Skipped { is_listed: false, .. })
    };
    let bad: Vec<_> = report().verdicts().filter(bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn no_exception_is_idle() {
    let files = read_folder(folder()).unwrap();
    let exceptions = exceptions();
    let idle = exceptions.idle(files.iter().flat_map(|file| &file.cases));
    assert!(idle.is_empty(), "{idle:#?}");
}

/// The verdict on a case made up here.
fn verdict(case: &str, exceptions: &str) -> Verdict {
    let case: Case = serde_json::from_str(case).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exceptions.toml");
    std::fs::write(&path, exceptions).unwrap();
    let file = CaseFile { name: "made_up".to_owned(), cases: vec![case] };
    let report = Report::run(&[file], &harness(), &Exceptions::read(&path).unwrap());
    report.verdicts().next().unwrap().1.clone()
}

const DOUBLED: &str = r#"{ "id": "doubled", "op": "flatMap", "batch_ms": 1000, "inputs": [[1], [], [2, 3]],
    "pipeline": [{ "op": "flatMap", "fn": "x_and_2x" }], "ordered": true"#;

#[test]
fn a_case_that_expects_something_else_fails_and_says_what_came() {
    let right = format!(r#"{DOUBLED}, "expected": [[1, 2], [], [2, 4, 3, 6]] }}"#);
    assert_eq!(verdict(&right, ""), Verdict::Passed);
    for wrong in ["[[1, 2], [], [2, 3, 4, 6]]", "[[1, 2], [2, 4, 3, 6]]", "[[1, 2.5], [], [2, 4, 3, 6]]"] {
        let case = format!(r#"{DOUBLED}, "expected": {wrong} }}"#);
        assert!(matches!(verdict(&case, ""), Verdict::Failed(_)), "{wrong}");
    }
}

#[test]
fn records_in_no_order_are_compared_as_multisets_and_empty_batches_may_be_left_out() {
    let case = |rest: &str| {
        let case = r#""id": "made up", "op": "map", "batch_ms": 500, "inputs": [[1, 2, 1], [], [3]],
            "pipeline": [{ "op": "map", "fn": "identity" }]"#;
        verdict(&format!("{{ {case}, {rest} }}"), "")
    };
    assert_eq!(case(r#""expected": [[1, 1, 2], [], [3]]"#), Verdict::Passed);
    assert_eq!(case(r#""expected": [[2, 1, 1], [3]], "drops_empty": true"#), Verdict::Passed);
    assert!(matches!(case(r#""expected": [[1, 2, 2], [], [3]]"#), Verdict::Failed(_)));
    assert!(matches!(
        case(r#""expected": [[1, 2, 1], [], [3]], "output_times_ms": [500, 1000, 2000]"#),
        Verdict::Failed(_)
    ));
}

#[test]
fn a_key_without_rows_in_a_window_is_not_expected_and_nothing_else_is_forgiven() {
    let adapted = "[[exception]]\nkind = \"adapted\"\nhas = \"inverse\"\nreason = \"forgotten\"";
    let case = |expected: &str, exceptions: &str| {
        let case = r#""id": "made up", "op": "reduceByKeyAndWindow", "batch_ms": 1000,
            "inputs": [[["a", 1], ["b", 2]], [["b", 1]], []], "pipeline": [{ "op": "reduceByKeyAndWindow",
            "fn": "add", "inv": "sub", "window_ms": 2000, "slide_ms": 1000 }]"#;
        verdict(&format!("{{ {case}, \"expected\": {expected} }}"), exceptions)
    };
    let spark = r#"[[["a", 1], ["b", 2]], [["a", 1], ["b", 3]], [["a", 0], ["b", 1]]]"#;
    assert_eq!(case(spark, adapted), Verdict::Adapted("forgotten".to_owned()));
    assert!(matches!(case(spark, ""), Verdict::Failed(_)));
    let wrong = r#"[[["a", 1], ["b", 2]], [["a", 1], ["b", 3]], [["a", 0], ["b", 3]]]"#;
    assert!(matches!(case(wrong, adapted), Verdict::Failed(_)));
    let lacking = r#"[[["a", 1], ["b", 2]], [["b", 3]], [["b", 1]]]"#;
    assert!(matches!(case(lacking, adapted), Verdict::Failed(_)));
}

#[test]
fn an_exception_for_a_case_that_passes_is_a_failure() {
    let right = format!(r#"{DOUBLED}, "expected": [[1, 2], [], [2, 4, 3, 6]] }}"#);
    for kind in ["not_applicable", "not_yet"] {
        let listed = format!("[[exception]]\nkind = \"{kind}\"\nop = \"flat*\"\nreason = \"none\"");
        assert!(matches!(verdict(&right, &listed), Verdict::Failed(_)), "{kind}");
    }
}

#[test]
fn an_exception_needs_a_reason_and_what_is_not_there_is_no_failure() {
    let unknown = r#"{ "id": "unknown", "op": "guess", "batch_ms": 1000 }"#;
    assert!(matches!(verdict(unknown, ""), Verdict::Skipped { is_listed: false, .. }));
    let listed = "[[exception]]\nkind = \"not_yet\"\nid = \"unknown\"\nreason = \"nobody asked\"";
    let skipped = Verdict::Skipped { reason: "nobody asked".to_owned(), is_listed: true };
    assert_eq!(verdict(unknown, listed), skipped);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exceptions.toml");
    std::fs::write(&path, "[[exception]]\nkind = \"not_yet\"\nid = \"unknown\"").unwrap();
    assert!(Exceptions::read(&path).is_err());
}
