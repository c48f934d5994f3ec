//! A running pipeline looked at and changed from outside: by the commands, and over HTTP.

mod openapi;
mod reload;

use std::io::{Read, Write};
use std::net::TcpStream;

use super::support::{
    CONTROL, Finished, Program, Project, plugin, renamed, saying, says, start_saying, version, wait_until,
};

/// Runs `command` on the pipeline of `project`.
fn ask(project: &Project, command: &[&str]) -> Finished {
    let checkpoint = project.path("checkpoint");
    Program::start(&[command, &["--checkpoint", checkpoint.to_str().unwrap()]].concat()).finish()
}

/// What `command` prints, which must go well.
#[track_caller]
fn told(project: &Project, command: &[&str]) -> String {
    let finished = ask(project, command);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

/// Sends an HTTP request to the pipeline of `project`, whose first line and headers are `head`, and answers all.
fn http(project: &Project, head: &str, body: &[u8]) -> String {
    let address = std::fs::read_to_string(project.path("checkpoint/control")).unwrap();
    let mut connection = TcpStream::connect(address.trim()).unwrap();
    let length = body.len();
    write!(connection, "{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").unwrap();
    // A server that turns a request away may not read all of it.
    let _ = connection.write_all(body);
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_plugin_is_swapped_shown_and_taken_back_by_commands() {
    let (project, mut program) = start_saying("");
    says(&mut program, "one", "a");
    let file = project.path("two.wasm");
    let swapped = told(&project, &["swap", &format!("say={}", file.display())]);
    assert!(swapped.starts_with("say: ") && swapped.contains(" in use since batch "), "{swapped}");
    says(&mut program, "two", "b");
    let status = told(&project, &["status"]);
    assert!(status.starts_with("pipeline saying, a batch every 20 ms, running\n"), "{status}");
    assert!(
        status.contains("2 rows in, 0 dead letters") && status.contains("plugin say (said): "),
        "{status}"
    );
    let back = told(&project, &["rollback", "said"]);
    assert!(back.starts_with("say: "), "{back}");
    says(&mut program, "one", "c");
    let history = told(&project, &["history"]);
    let how: Vec<&str> = history.lines().map(|line| line.rsplit_once(", ").unwrap().1).collect();
    assert_eq!(how, ["start", "swap", "rollback"], "{history}");

    let refused = ask(&project, &["swap", &format!("shout={}", file.display())]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.error().contains("`shout`"), "{}", refused.error());
    assert_eq!(told(&project, &["stop"]), "stopping: what was received is processed first\n");
    let finished = program.await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for action in ["swap", "rollback", "stop"] {
        assert_eq!(
            finished.num_logged(&format!("action=\"{action}\"")),
            1 + usize::from(action == "swap"),
            "{}",
            finished.stderr
        );
    }
    assert!(!project.path("checkpoint/control").exists(), "who ended says so");
    assert_eq!(ask(&project, &["status"]).code, Some(1));
}

#[test]
fn the_number_of_workers_is_changed_by_a_command_and_over_http() {
    let (project, mut program) = start_saying("");
    says(&mut program, "one", "a");
    let before = std::thread::available_parallelism().unwrap();
    let told_of = told(&project, &["workers", "3"]);
    assert!(told_of.starts_with("3 workers since batch "), "{told_of}");
    assert!(told_of.ends_with(&format!(", before it {before}\n")), "{told_of}");
    assert_eq!(told(&project, &["workers", "3"]), "3 workers, as before\n");
    assert!(told(&project, &["status"]).contains(", 3 workers\n"));
    says(&mut program, "one", "b");
    let head = "POST /v1/workers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    let answer = http(&project, head, b"{\"workers\":1}");
    assert!(answer.contains("{\"workers\":{\"from\":3,\"to\":1,\"batch\":\"20"), "{answer}");
    for (body, said) in [("{\"workers\":0}", "from 1 to 1024"), ("{\"workers\":5000}", "from 1 to 1024")] {
        let answer = http(&project, head, body.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains(said), "{answer}");
    }
    says(&mut program, "one", "c");
    let metrics = http(&project, "GET /metrics HTTP/1.1\r\nHost: localhost", b"");
    assert!(metrics.contains("tidemill_workers{pipeline=\"saying\"} 1\n"), "{metrics}");
    let refused = ask(&project, &["workers", "0"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
}

#[test]
fn a_plugin_is_uploaded_and_health_and_metrics_are_told() {
    let (project, mut program) = start_saying("");
    let code = version("versioned", "two");
    let head = "POST /v1/plugins/say HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/wasm";
    let answer = http(&project, head, &code);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"swapped\""), "{answer}");
    says(&mut program, "two", "a");
    for (path, expected) in [("/health", "ok"), ("/ready", "ready"), ("/metrics", "tidemill_batches_total")] {
        let answer = http(&project, &format!("GET {path} HTTP/1.1\r\nHost: localhost"), b"");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(expected), "{path}: {answer}");
    }
}

#[test]
fn requests_by_other_names_from_other_pages_or_too_large_are_turned_away() {
    let (project, mut program) = start_saying("");
    let swap = "POST /v1/swap HTTP/1.1\r\nContent-Type: application/json";
    let body = format!("{{\"plugins\":{{\"say\":\"{}\"}}}}", project.path("two.wasm").display());
    for (headers, status) in [
        ("Host: evil.example", "403"),
        ("Host: localhost\r\nOrigin: http://evil.example", "403"),
        ("Host: localhost\r\nOrigin: null", "403"),
    ] {
        let answer = http(&project, &format!("{swap}\r\n{headers}"), body.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
    }
    let form = "POST /v1/swap HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain";
    assert!(http(&project, form, body.as_bytes()).starts_with("HTTP/1.1 415 "), "a form can't swap");
    let large = format!("{{\"plugins\":{{\"say\":\"{}\"}}}}", "x".repeat(100_000));
    let answer = http(&project, &format!("{swap}\r\nHost: localhost"), large.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413 ") || answer.is_empty(), "{answer}");
    says(&mut program, "one", "a");
    let finished = program.finish();
    assert_eq!(finished.num_logged("control: done"), 0, "{}", finished.stderr);
}

#[test]
fn what_is_asked_in_a_wrong_way_is_told_why_as_all_answers_are() {
    let (project, mut program) = start_saying("");
    let json = "Host: localhost\r\nContent-Type: application/json";
    for (asked, body, status, says) in [
        ("POST /v1/swap", r#"{"plugin":"say"}"#, "422", "unknown field `plugin`, expected `plugins`"),
        ("POST /v1/swap", r#"{"plugins""#, "400", "EOF while parsing"),
        ("POST /v1/swap", r#"{"plugins":{}}"#, "422", "no plugin is given; name one"),
        ("POST /v1/rollback", "{}", "422", "missing field `plugin`"),
        ("POST /v1/workers", r#"{"workers":-1}"#, "422", "workers: invalid value: integer `-1`"),
        ("POST /v1/plugins/say", "no plugin", "422", "the code that was given isn't WebAssembly"),
        ("GET /v1/swap", "", "405", "this takes another method"),
        ("GET /v1/nothing", "", "404", "GET /v1/openapi.json says what there is"),
    ] {
        let answer = http(&project, &format!("{asked} HTTP/1.1\r\n{json}"), body.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{asked} {body}: {answer}");
        let error = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let error: serde_json::Value = serde_json::from_str(error).unwrap_or_else(|_| panic!("{answer}"));
        assert!(error["error"].as_str().is_some_and(|error| error.contains(says)), "{asked} {body}: {error}");
    }
    says(&mut program, "one", "a");
}

#[test]
fn commands_say_what_they_need() {
    let (project, _program) = start_saying("");
    let missing = ask(&project, &["swap", "say=missing.wasm"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.error().ends_with("; correct the path or build the plugin"), "{}", missing.error());
    let back = ask(&project, &["rollback", "say"]);
    assert!(back.error().contains("no version ran before this one; the history has all"), "{}", back.error());
    let named = Program::start(&["status", "--address", "localhost:7171"]).finish();
    assert!(
        named.stderr.contains("write an IP address and a port, as in 127.0.0.1:7171"),
        "{}",
        named.stderr
    );
    // What a killed one leaves behind.
    project.write("elsewhere/control", "127.0.0.1:1\n");
    let elsewhere = project.path("elsewhere");
    let gone = Program::start(&["status", "--checkpoint", elsewhere.to_str().unwrap()]).finish();
    assert!(gone.error().starts_with("cannot talk to 127.0.0.1:1: "), "{}", gone.error());
    assert!(gone.error().ends_with("see that the pipeline runs and listens there, as --control says"));
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let project = Project::new(&saying(&CONTROL.replace("127.0.0.1:0", "0.0.0.0:0"), ""));
    project.write("say.wasm", version("versioned", "one"));
    let finished = project.run(&[]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.error().contains("TIDEMILL_TOKEN"), "{}", finished.error());
    let nowhere = ask(&project, &["status"]);
    assert!(nowhere.error().contains("--control"), "{}", nowhere.error());
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let project = Project::new(&saying(CONTROL, ""));
    project.write("say.wasm", version("versioned", "one"));
    let token = "a secret of some length";
    let program = project.start_with(&[], &[("TIDEMILL_TOKEN", token)]);
    program.wait_for_log("listening for control", 1);
    let refused = ask(&project, &["status"]);
    assert!(
        refused.error().contains("the token is missing or wrong; set TIDEMILL_TOKEN"),
        "{}",
        refused.error()
    );
    let status = |said: &str| {
        let head = format!("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {said}");
        http(&project, &head, b"").get(9..12).unwrap().to_owned()
    };
    assert_eq!([status("another secret of it"), status(token)], ["401", "200"]);
}

#[test]
fn a_version_that_runs_beside_is_shown_while_it_does_and_told_in_the_end() {
    let (project, mut program) = start_saying("on_difference = \"report\"");
    let file = format!("say={}", project.path("two.wasm").display());
    let checkpoint = project.path("checkpoint");
    let swapping = ["swap", &file, "--shadow", "2", "--checkpoint", checkpoint.to_str().unwrap()];
    let swapping = Program::start(&swapping);
    wait_until("the version beside", || {
        told(&project, &["status"]).contains("runs beside 0 batches").then_some(())
    });
    says(&mut program, "one", "a");
    wait_until("a batch", || told(&project, &["status"]).contains("runs beside 1 batches").then_some(()));
    says(&mut program, "one", "b");
    let finished = swapping.await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let report = "  ran beside 2 batches: rows equal 0, changed 2, missing 0, added 0\n    \
                  said: {\"said\":\"two a\"} rather than {\"said\":\"one a\"}\n";
    assert!(finished.stdout.contains(report), "{}", finished.stdout);
    says(&mut program, "two", "c");
    assert!(told(&project, &["history"]).contains(", swap, ran beside 2 batches: "));
    program.wait_for_log("ran beside 2 batches: rows equal 0, changed 2", 1);
}

#[test]
fn a_command_that_waits_for_rows_hears_of_a_change_that_ends_that_and_of_the_end_of_the_pipeline() {
    let (project, program) = start_saying("shadow = 3");
    let file = format!("say={}", project.path("two.wasm").display());
    let checkpoint = project.path("checkpoint");
    let swap = || Program::start(&["swap", &file, "--checkpoint", checkpoint.to_str().unwrap()]);
    let first = swap();
    program.wait_for_log("runs beside the version in use", 1);
    assert_eq!(told(&project, &["reload"]), "nothing in the manifest changed\n");
    let first = first.await_end();
    assert_eq!(first.code, Some(1));
    assert!(first.error().starts_with("another change was asked for while"), "{}", first.error());
    let last = swap();
    program.wait_for_log("runs beside the version in use", 2);
    told(&project, &["stop"]);
    assert_eq!(last.await_end().error(), "the pipeline ended before the swap");
    assert_eq!(program.await_end().code, Some(0));
}
