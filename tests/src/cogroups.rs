//! A cogroup by a plugin through the real program: what it answers, and what becomes of keys on which it fails.

use super::support::{Project, folders, rows};

const MANIFEST: &str = r#"
[pipeline]
name = "billing"
batch_interval = "1s"
[plugins.settle]
path = "@settle"
[sources.bills]
kind = "directory"
path = "bills"
format = "csv"
schema = { client = "utf8", number = "int64", item = "utf8" }
[sources.payments]
kind = "directory"
path = "payments"
format = "csv"
schema = { paid = "float64", payer = "utf8" }
[streams.settled]
op = "cogroup"
from = ["bills", "payments"]
key = ["client"]
right_key = ["payer"]
plugin = "settle"
[sinks.settled]
kind = "files"
from = "settled"
path = "out/settled"
[dead_letters]
kind = "files"
path = "dead"
"#;

fn project() -> Project {
    let project = Project::new(MANIFEST);
    project.write("bills/a.csv", "ann,7,tea\nbob,8,silk\nann,9,salt\ncid,10,rope\n");
    project.write("payments/a.csv", "1.5,ann\n2.0,dan\n-1.0,bob\n3.0,bob\n-9.0,bob\n1.0,ann\n");
    project
}

#[test]
fn a_plugin_sees_all_rows_of_a_key_of_both_streams() {
    let project = project();
    project.succeed(&["--once"]);
    assert_eq!(
        rows(&project.path("out"), "settled"),
        ["(ann, 7 tea, 2.5)", "(ann, 9 salt, 2.5)", "(cid, 10 rope, 0.0)", "(dan, no bill, 2.0)"]
    );
}

#[test]
fn a_key_on_which_it_fails_is_set_aside_with_its_rows_of_both_streams_and_replayed_into_both() {
    let project = project();
    project.succeed(&["--once"]);
    let letters = project.dead_letters("billing");
    let shown: Vec<String> = letters
        .iter()
        .map(|letter| format!("{} {} {}", letter["origin"], letter["input"], letter["row"]))
        .collect();
    assert_eq!(
        shown,
        [
            r#""settled" "bills" {"client":"bob","number":8,"item":"silk"}"#,
            r#""settled" "payments" {"payer":"bob","paid":-1.0}"#,
            r#""settled" "payments" {"payer":"bob","paid":3.0}"#,
            r#""settled" "payments" {"payer":"bob","paid":-9.0}"#,
        ]
    );
    assert_eq!(letters[0]["reason"], "the call failed: bob was paid");
    assert_eq!(letters[0]["plugin"]["name"], "settle");

    // Without the plugin nothing fails.
    let lists =
        MANIFEST.replace("plugin = \"settle\"\n", "").replace("[plugins.settle]\npath = \"@settle\"\n", "");
    project.change_manifest(&lists.replace("out/settled", "out/lists"));
    let replayed = project.command(&["dead-letters", "replay"], &["--operator", "settled"]);
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    let expected = r#"(bob, [{"number":8,"item":"silk"}], [-1.0,3.0,-9.0])"#;
    assert_eq!(rows(&project.path("out"), "lists"), [expected]);
}

#[test]
fn a_cogroup_by_a_plugin_writes_the_same_bytes_with_any_number_of_workers() {
    let run = |workers: &str| {
        let project = Project::new(MANIFEST);
        let bill = |i: usize| format!("k{},{i},thing\n", i * 7919 % 5003);
        let payment = |i: usize| format!("{},k{}\n", if i == 777 { -99.0 } else { 0.5 }, i % 6007);
        project.write("bills/a.csv", (0..30_000).map(bill).collect::<String>());
        project.write("payments/a.csv", (0..20_000).map(payment).collect::<String>());
        project.succeed(&["--once", "--workers", workers]);
        let letters: Vec<_> =
            project.dead_letters("billing").into_iter().map(|letter| letter["row"].to_string()).collect();
        (folders(&project.path("out"), "settled"), letters)
    };
    let one = run("1");
    assert!(one.0[0].len() > 1 && !one.1.is_empty());
    assert!(run("2") == one && run("4") == one);
}

#[test]
fn a_cogroup_refuses_a_plugin_that_is_none() {
    let project = Project::new(&MANIFEST.replace("@settle", "@sum"));
    project.make_folder("bills");
    project.make_folder("payments");
    let finished = project.command(&["check"], &[]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("this operator calls cogroup"), "{}", finished.stderr);
}
