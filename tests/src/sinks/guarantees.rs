//! What `check` says is guaranteed on the way from each source to each sink.

use super::super::support::Project;

const MANIFEST: &str = r#"
[pipeline]
name = "ways"
batch_interval = "1s"
CHECKPOINT
[sources.files]
kind = "directory"
path = "in"
[sources.live]
kind = "socket"
address = "127.0.0.1:9999"
[sources.logged]
kind = "socket"
address = "127.0.0.1:9999"
WAL
[streams.both]
op = "union"
from = ["files", "live"]
[sinks.screen]
kind = "console"
from = "files"
[sinks.table]
kind = "sqlite"
path = "rows.db"
table = "rows"
create = true
from = "both"
[sinks.out]
kind = "files"
path = "out/rows"
from = "logged"
[sinks.far]
kind = "tcp"
address = "127.0.0.1:9998"
from = "files"
[sinks.nowhere]
kind = "discard"
from = "files"
"#;

fn checked(checkpoint: &str, wal: &str) -> Vec<String> {
    let project = Project::new(&MANIFEST.replace("CHECKPOINT", checkpoint).replace("WAL", wal));
    project.make_folder("in");
    let checked = project.command(&["check"], &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    checked.stdout.lines().filter(|line| line.contains(" -> ")).map(str::to_owned).collect()
}

#[test]
fn with_a_checkpoint() {
    assert_eq!(
        checked("checkpoint = \"state\"", "wal = true"),
        [
            "files -> screen: at least once; after a crash, rows of the last batches may come again",
            "files -> table: exactly once",
            "live -> table: at most once; what was received and not yet processed is lost in a crash",
            "logged -> out: exactly once; what was on its way in a crash is lost",
            "files -> far: no promise; when a connection breaks, rows on their way may be lost or come again",
            "files -> nowhere: nothing is kept",
        ]
    );
}

#[test]
fn without_one() {
    let said = checked("", "");
    let lost = "at most once; what was received and not yet processed is lost in a crash";
    assert_eq!(
        said[0],
        "files -> screen: at most once; without a checkpoint, a restart reads nothing that was there before"
    );
    assert_eq!(said[2], format!("live -> table: {lost}"));
    assert_eq!(said[3], format!("logged -> out: {lost}"));
}
