//! The program killed before and after every step.

use std::thread;

use tidemill::failpoint::Point;

use super::victim::Victim;

/// When a point is passed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// In every start.
    Starting,
    /// In the first start, once for each plugin.
    Keeping,
    /// In a start that finds what a run before left for it.
    Recovering,
    /// In batches.
    Running,
    /// At an end in order.
    Ending,
    /// In swaps, which have tests of their own.
    Swapping,
}

fn when(point: Point) -> When {
    use Point::*;
    match point {
        Open | Opened | Adopt | Adopted | Load | Recover | Recovered | Release | Released | Collect => {
            When::Starting
        }
        Keep | KeepWithin | Kept => When::Keeping,
        Deliver | Delivered | Collected => When::Recovering,
        Close | Closed => When::Ending,
        Listen => When::Swapping,
        point if point.name().starts_with("swap.") => When::Swapping,
        _ => When::Running,
    }
}

/// Kills the program at `point` again and again.
fn kill_at(point: Point) {
    let case = point.name();
    let mut victim = Victim::new();
    let kill = |turn: u32| format!("{case}={turn}*off->return(kill)");
    // A batch with rows and dead letters that was committed and not shown, so that there is all to recover.
    let committed = "letters.before=4*off->return(kill)";
    match when(point) {
        When::Starting => {
            victim.die(&kill(0));
            victim.die(committed);
            victim.die(&kill(0));
            victim.die(&kill(if point == Point::Load { 3 } else { 0 }));
        }
        When::Keeping => {
            victim.die(&kill(0));
            std::fs::remove_dir_all(victim.project.path("checkpoint/plugins")).unwrap_or_default();
            victim.die(&kill(1));
        }
        When::Recovering => {
            victim.die(committed);
            // A file that no version in use is named for.
            victim.project.write("checkpoint/plugins/old.wasm", "old");
            victim.die(&kill(0));
        }
        When::Running => {
            victim.die(&kill(0));
            victim.die(&kill(5));
            victim.die(&kill(2));
        }
        When::Ending => {
            let finished = victim.stop(&kill(0));
            assert_eq!(finished.code, None, "{case}:\n{}", finished.stderr);
        }
        When::Swapping => unreachable!("{case} has a test of its own"),
    }
    victim.survive(case);
}

/// Kills at all points that are passed at that time, two at a time.
fn kill_at_all(wanted: When) {
    let points: Vec<Point> = Point::ALL.iter().copied().filter(|point| when(*point) == wanted).collect();
    assert!(!points.is_empty());
    thread::scope(|scope| {
        for points in points.chunks(points.len().div_ceil(2)) {
            scope.spawn(move || points.iter().copied().for_each(kill_at));
        }
    });
}

#[test]
fn killed_at_any_point_of_a_start_it_loses_nothing_and_repeats_nothing() {
    kill_at_all(When::Starting);
}

#[test]
fn killed_while_it_keeps_the_files_of_plugins_it_loses_nothing_and_repeats_nothing() {
    kill_at_all(When::Keeping);
}

#[test]
fn killed_at_any_point_of_a_recovery_it_loses_nothing_and_repeats_nothing() {
    kill_at_all(When::Recovering);
}

#[test]
fn killed_at_any_point_of_a_batch_it_loses_nothing_and_repeats_nothing() {
    kill_at_all(When::Running);
}

#[test]
fn killed_at_any_point_of_an_end_it_loses_nothing_and_repeats_nothing() {
    kill_at_all(When::Ending);
}
