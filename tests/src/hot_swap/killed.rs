//! The program killed at each step of a swap: after it exactly one version runs, the one that the last epoch names.

use tidemill::failpoint::Point;
use tidemill::plugin::PluginFile;

use super::super::support::{CHECKPOINT, Project, saying, says, version};

/// Kills the program at `point` of a swap to `to`, and looks which version runs after it.
fn kill_at(point: Point, plugin: &str, to: &str, expected: &str) {
    let project = Project::new(&saying(CHECKPOINT, &format!("watch = true\n{plugin}")));
    project.write("say.wasm", version("versioned", "one"));
    // The start keeps a file too.
    let passes = if point.name().starts_with("keep.") { "1*off->" } else { "" };
    let failing = format!("{}={passes}return(kill)", point.name());
    let mut program = project.start_with(&[], &[("FAILPOINTS", &failing)]);
    program.wait_for_log("running", 1);
    says(&mut program, "one", "a");
    project.move_in("say.wasm", version("versioned", to));
    if matches!(point, Point::SwapRolledBack) {
        program.wait_for_log("swapped plugin=say", 1);
    }
    if matches!(point, Point::SwapBeside | Point::SwapRolledBack) {
        program.write("b\n");
    }
    let finished = program.await_end();
    assert_eq!(finished.code, None, "{}: {}", point.name(), finished.stderr);

    let shown = project.command_on(&["checkpoint", "inspect"], "checkpoint").stdout;
    let digest = shown.lines().find_map(|line| line.strip_prefix("plugin say: ")).unwrap().to_owned();
    assert_eq!(digest, PluginFile::from_bytes(version("versioned", expected)).digest, "{}", point.name());
    project.change_manifest(&saying(CHECKPOINT, ""));
    let mut program = project.start(&[]);
    match expected {
        // It takes no row; its trial ended with the process.
        "trap" => program.write("c\n"),
        expected => says(&mut program, expected, "c"),
    }
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let others = finished.stdout.lines().filter(|line| line.ends_with(" c") && !line.starts_with(expected));
    assert_eq!(others.count(), 0, "{}", finished.stdout);
}

#[test]
fn killed_at_any_step_of_a_swap_the_version_of_the_last_epoch_runs() {
    let is_of_swaps = |point: &Point| ["swap.", "keep."].iter().any(|part| point.name().starts_with(part));
    let points: Vec<Point> = Point::ALL.iter().copied().filter(is_of_swaps).collect();
    assert_eq!(points.len(), 12, "the commit is between two of them");
    std::thread::scope(|scope| {
        for points in points.chunks(points.len().div_ceil(2)) {
            scope.spawn(move || {
                for point in points {
                    match point {
                        Point::SwapBeside => kill_at(*point, "shadow = 3", "two", "one"),
                        // The swap itself was committed, with batches without rows.
                        Point::SwapRolledBack => kill_at(*point, "", "trap", "trap"),
                        Point::SwapSettled => kill_at(*point, "", "two", "two"),
                        _ => kill_at(*point, "", "two", "one"),
                    }
                }
            });
        }
    });
}

#[test]
fn a_disk_without_room_for_the_new_file_refuses_the_swap_and_what_ran_runs_on() {
    let project = Project::new(&saying(CHECKPOINT, "watch = true"));
    project.write("say.wasm", version("versioned", "one"));
    let mut program = project.start_with(&[], &[("FAILPOINTS", "keep.within=1*off->1*return(full)->off")]);
    program.wait_for_log("running", 1);
    says(&mut program, "one", "a");
    project.move_in("say.wasm", version("versioned", "two"));
    program.wait_for_log("not swapped, what ran goes on", 1);
    assert!(program.stderr().contains("No space left on device"), "{}", program.stderr());
    says(&mut program, "one", "b");
    project.move_in("say.wasm", version("versioned", "three"));
    program.wait_for_log("swapped plugin=say", 1);
    says(&mut program, "three", "c");
    assert_eq!(program.finish().code, Some(0));
}
