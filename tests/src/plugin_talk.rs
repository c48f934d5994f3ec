//! What plugins say is in the host's log: whose it is, for which batch, and never too much of it.

use super::support::{Finished, Project};

fn run(lines: &str, options: &[&str]) -> Finished {
    let project = Project::new(
        r#"
        [pipeline]
        name = "talk"
        batch_interval = "1s"
        [plugins.talker]
        path = "@uncertain"
        config = { draws = "never" }
        [sources.lines]
        kind = "directory"
        path = "lines"
        [streams.told]
        op = "transform"
        from = "lines"
        plugin = "talker"
        [sinks.out]
        kind = "discard"
        from = "told"
        "#,
    );
    for (i, part) in lines.split("---\n").enumerate() {
        project.write(&format!("lines/{i}.txt"), part);
    }
    project.succeed(&[&["--once", "--log-format", "json"], options].concat())
}

/// The entries of the log that the plugin's stream is named in, as JSON.
fn entries(finished: &Finished) -> Vec<serde_json::Value> {
    let entries =
        finished.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    entries.filter(|entry| entry["fields"]["stream"] == "told").collect()
}

#[test]
fn a_line_names_pipeline_stream_plugin_and_batch() {
    let finished = run("say it is late\nquiet\n", &[]);
    let entries = entries(&finished);
    let said = entries.iter().find(|entry| entry["fields"]["message"] == "it is late").unwrap();
    assert_eq!(said["level"], "WARN");
    let fields = &said["fields"];
    assert_eq!((&fields["pipeline"], &fields["plugin"]), (&"talk".into(), &"talker".into()));
    let batch = fields["batch"].as_str().unwrap();
    assert!(batch.len() == "2026-11-20T21:53:53Z".len() && batch.ends_with('Z'), "{batch}");
}

#[test]
fn a_flood_is_cut_to_an_operators_ration_and_what_was_dropped_is_counted() {
    // Several files are several tasks, on two workers.
    let flood = format!("say {}\n", "x".repeat(500)).repeat(1000);
    let files = vec![flood; 4].join("---\n");
    let finished = run(&files, &["--workers", "2"]);
    let entries = entries(&finished);
    let (mut bytes, mut lines, mut dropped) = (0, 0, 0);
    for entry in &entries {
        match entry["fields"]["lines"].as_u64() {
            Some(count) => dropped += count,
            None if entry["fields"]["message"].as_str().unwrap().starts_with("xxx") => {
                bytes += 501;
                lines += 1;
            }
            None => {}
        }
    }
    assert_eq!(lines + dropped, 4000, "some lines are neither logged nor counted");
    let seconds = finished.time.as_secs() + 2;
    assert!(bytes <= seconds * 64 * 1024, "{bytes} bytes in {:?}", finished.time);
    assert!(lines >= 64 * 1024 / 501, "{lines}");
}
