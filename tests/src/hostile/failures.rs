//! Each plugin of the corpus meets the error that it should, and nobody else notices.

use std::time::{Duration, Instant};

use super::corpus::{At, Case, Kind, bad_lines, corpus, kind, misbehave, open, tight};
use super::files::{component_with, module_with, text_file, wat};
use super::witness::{Witness, lines, texts};
use super::{CALL, as_a_worker};

/// How `case` differs from what it should be.
fn difference(case: &Case) -> Option<String> {
    match case.run() {
        Ok(()) => Some("it did well".to_owned()),
        Err((at, error)) => {
            let text = error.to_string();
            let said = text.strip_prefix("plugin `odd`: ").unwrap_or(&text);
            let same = at == case.at && kind(&error.failure) == case.kind && said.starts_with(&case.says);
            let short = text.len() < 4000 && !text.contains('\n');
            (!same || !short).then(|| format!("at {at:?}, of kind {:?}: {text}", kind(&error.failure)))
        }
    }
}

#[test]
fn each_meets_its_error_and_others_go_on() {
    let mut witness = Witness::new();
    let mut wrong = Vec::new();
    for case in corpus() {
        let start = Instant::now();
        if let Some(difference) = difference(&case) {
            wrong.push(format!(
                "{}: {difference}\n    wanted: at {:?}, of kind {:?}: {}",
                case.name, case.at, case.kind, case.says
            ));
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{} held the host up", case.name);
        witness.look();
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_next_rows_of_a_plugin_that_failed_are_right() {
    as_a_worker(next_rows_are_right);
}

fn next_rows_are_right() {
    let case = Case::new("", misbehave(), At::Call, Kind::Limit, "").limits(tight());
    let mut transform = open(&case.load().unwrap()).unwrap();
    for (line, wanted, says) in bad_lines() {
        let error = transform.process(&CALL, &lines(&["a", line]), 2).unwrap_err();
        assert_eq!(kind(&error.failure), wanted, "{line}: {error}");
        assert!(error.to_string().contains(says), "{line}: {error}");
        assert_eq!(error.stream.as_deref(), Some("passed"));
        let next = transform.process(&CALL, &lines(&["c", "", "é"]), 3).unwrap();
        assert_eq!(texts(&next), ["c", "", "é"], "after {line}");
        assert_eq!(next.origins, Some(vec![0, 1, 2]));
    }
}

#[test]
fn the_good_module_does_well_and_the_liar_tells_the_truth_where_it_is_not_asked_to_lie() {
    let good = Case::new("good", wat("good"), At::Call, Kind::Limit, "");
    assert_eq!(good.run().map_err(|(_, error)| error.to_string()), Ok(()));
    let component = text_file("good_component", &component_with(""));
    assert!(Case::new("good", component, At::Call, Kind::Limit, "").run().is_ok());

    let liar = Case::new("liar", super::super::support::plugin("liar"), At::Call, Kind::Limit, "");
    let liar = liar.config(serde_json::json!({ "lie": "" }));
    let mut transform = open(&liar.load().unwrap()).unwrap();
    let answer = transform.process(&CALL, &lines(&["tide", "é"]), 2).unwrap();
    assert_eq!(texts(&answer), ["tide", "é"]);
    assert!(liar.input(super::corpus::Input::Numbers).run().is_ok());
}

#[test]
fn ten_thousand_functions_are_no_reason_to_fail() {
    let functions: String = (0..10_000)
        .map(|n| format!("(func (param i32) (result i32) (i32.add (local.get 0) (i32.const {n})))\n"))
        .collect();
    let path = text_file("many_functions", &module_with(&functions));
    let case = Case::new("many functions", path, At::Call, Kind::Limit, "");
    assert_eq!(case.run().map_err(|(_, error)| error.to_string()), Ok(()));
}

#[test]
fn a_long_reason_of_a_rejected_row_is_cut() {
    let liar = Case::new("liar", super::super::support::plugin("liar"), At::Call, Kind::Limit, "");
    let liar = liar.config(serde_json::json!({ "lie": "it rejects at length" }));
    let mut transform = open(&liar.load().unwrap()).unwrap();
    let answer = transform.process(&CALL, &lines(&["tide"]), 1).unwrap();
    assert_eq!(answer.rejects.len(), 1);
    let reason = &answer.rejects[0].reason;
    assert!(reason.starts_with("no no ") && reason.len() < 2100, "{} bytes", reason.len());
}
