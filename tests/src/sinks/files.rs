//! The sink `files`, through the real program.

use super::super::support::{Project, rows};

const MANIFEST: &str = r#"
[pipeline]
name = "copies"
batch_interval = "1h"
[sources.lines]
kind = "stdin"
[sinks.out]
kind = "files"
from = "lines"
path = "out/lines"
skip_empty = true
"#;

#[test]
fn runs_within_one_interval_do_not_take_the_batches_of_each_other_for_their_own() {
    let project = Project::new(MANIFEST);
    for line in ["one\n", "two\n"] {
        let mut program = project.start(&["--once"]);
        program.write(line);
        let finished = program.finish();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    assert_eq!(rows(&project.path("out"), "lines"), ["one", "two"]);
}
