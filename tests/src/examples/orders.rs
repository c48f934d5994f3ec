//! The orders: what the README promises of them all at once, and what is told while they come in file by file.

use std::collections::BTreeMap;
use std::process::Command;

use super::{blocks, example, promised, sorted};
use crate::support::{Project, printed};

/// Writes the files of the first seed into the folder `input` of `project`, and answers their texts.
fn generate(project: &Project) -> Vec<String> {
    project.make_folder("all");
    let folder = project.path("all");
    let generated = Command::new(env!("CARGO_BIN_EXE_orders-generator-under-test"))
        .args(["--seed", "1", "--files", "5", "--rows", "200"])
        .arg(&folder)
        .output()
        .unwrap();
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    let file = |number| std::fs::read_to_string(folder.join(format!("orders-1-{number:04}.csv"))).unwrap();
    (1..=5).map(file).collect()
}

#[test]
fn orders_prints_what_its_readme_promises() {
    let project = example("orders", |text| text);
    for (number, text) in generate(&project).iter().enumerate() {
        project.write(&format!("input/{number}.csv"), text);
    }
    let finished = project.succeed(&["--once"]);
    assert_eq!(blocks(&finished.stdout), promised("orders"));
    let letters = project.dead_letters("orders");
    assert_eq!(letters.len(), 10);
    assert_eq!(letters.iter().filter(|letter| letter["kind"] == "undecodable").count(), 7);
    let refused: Vec<_> = letters.iter().filter(|letter| letter["kind"] == "reject").collect();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|letter| letter["origin"] == "checked"), "{refused:?}");
}

/// What is in some files, worked out without Tidemill: cents by client, amounts by symbol, and how many of each side.
#[derive(Clone, Default)]
struct Worth {
    clients: BTreeMap<i64, i64>,
    symbols: BTreeMap<String, i64>,
    sides: BTreeMap<&'static str, i64>,
}

impl Worth {
    fn of(files: &[String]) -> Self {
        let mut worth = Self::default();
        files.iter().flat_map(|file| file.lines()).for_each(|line| worth.add(line));
        worth
    }

    fn add(&mut self, line: &str) {
        let [time, _, client, symbol, amount, price, side] = line.split(',').collect::<Vec<_>>()[..] else {
            return;
        };
        let side = match side {
            "B" => "bought",
            "S" => "sold",
            _ => return,
        };
        let Some(amount) = amount.parse().ok().filter(|amount: &i64| *amount > 0 && time != "yesterday")
        else {
            return;
        };
        let cents: i64 = price.replace('.', "").parse().unwrap();
        *self.clients.entry(client.parse().unwrap()).or_default() += amount * cents;
        *self.symbols.entry(symbol.to_owned()).or_default() += amount;
        *self.sides.entry(side).or_default() += 1;
    }

    /// The list of the five largest clients, as it is printed.
    fn top(&self) -> Vec<String> {
        let mut clients: Vec<(i64, i64)> =
            self.clients.iter().map(|(client, cents)| (*client, *cents)).collect();
        clients.sort_by_key(|(client, cents)| (-cents, *client));
        let list: Vec<_> =
            clients.iter().take(5).map(|(client, cents)| (client, *cents as f64 / 100.0)).collect();
        if list.is_empty() { Vec::new() } else { vec![serde_json::to_string(&list).unwrap()] }
    }

    fn volumes(&self) -> Vec<String> {
        self.symbols.iter().map(|(symbol, amount)| format!("({symbol}, {amount})")).collect()
    }

    fn sides(&self) -> Vec<String> {
        self.sides.iter().map(|(side, num)| format!("({side}, {num})")).collect()
    }

    /// Whether `rows` are totals of clients, all of them or the five that are printed.
    fn has_clients(&self, rows: &[String]) -> bool {
        let totals: Vec<String> =
            self.clients.iter().map(|(client, cents)| format!("({client}, {cents})")).collect();
        let (dots, rows): (Vec<_>, Vec<_>) = rows.iter().partition(|row| *row == "...");
        rows.iter().all(|row| totals.contains(row)) && rows.len() + dots.len() == totals.len().min(6)
    }
}

/// A batch of which all four blocks were printed, and of which files each may tell.
struct Told {
    sides: Vec<String>,
    clients: Vec<String>,
    top: Vec<String>,
    volumes: Vec<String>,
}

fn told(output: &str) -> Vec<Told> {
    let rows: Vec<Vec<String>> = printed(output).into_iter().map(|batch| batch.rows).collect();
    let batches = rows.chunks_exact(4).map(|four| Told {
        sides: sorted(four[0].iter().map(String::as_str)),
        clients: four[1].clone(),
        top: four[2].clone(),
        volumes: sorted(four[3].iter().map(String::as_str)),
    });
    batches.collect()
}

/// Runs the example in batches of 50 ms, with a window of `length`, and a stop and another start before the file
/// `restart_before`. Answers what it told in each run, and the files.
fn run(length: &str, restart_before: usize) -> (Vec<Vec<Told>>, Vec<String>) {
    let project = example("orders", |text| {
        let interval = "batch_interval = \"50ms\"\ncheckpoint = \"checkpoint\"";
        text.replace("batch_interval = \"1s\"", interval).replace("\"1h\"", &format!("\"{length}\""))
    });
    let files = generate(&project);
    project.make_folder("input");
    let mut outputs = Vec::new();
    let mut program = project.start(&[]);
    for (number, file) in files.iter().enumerate() {
        if number == restart_before {
            program.signal("INT");
            outputs.push(program.finish().stdout);
            program = project.start(&[]);
        }
        project.move_in(&format!("input/{number}.csv"), file);
        let top = Worth::of(&files[..=number]).top();
        program.wait_for_output(|output| told(output).iter().any(|batch| batch.top == top));
    }
    if length != "1h" {
        program.wait_for_output(|output| told(output).last().is_some_and(|batch| batch.volumes.is_empty()));
    }
    program.signal("INT");
    outputs.push(program.finish().stdout);
    (outputs.iter().map(|output| told(output)).collect(), files)
}

/// Checks that each batch tells of the files up to one, and answers the numbers of these files, batch by batch. The
/// volumes are those of the last of these files, of as many as `reaches` says, or any number of them.
fn check(runs: &[Vec<Told>], files: &[String], reaches_back: bool) {
    let up_to: Vec<Worth> = (0..=files.len()).map(|num| Worth::of(&files[..num])).collect();
    let mut num = 0;
    for batch in runs.iter().flatten() {
        let before = num;
        num = (num..up_to.len()).find(|num| up_to[*num].top() == batch.top).expect("totals of some files");
        assert!(up_to[num].has_clients(&batch.clients), "{:?}", batch.clients);
        assert_eq!(batch.sides, Worth::of(&files[before..num]).sides());
        let starts = if reaches_back { 0..1 } else { 0..num + 1 };
        let volumes: Vec<_> = starts.map(|start| Worth::of(&files[start..num]).volumes()).collect();
        assert!(volumes.contains(&batch.volumes), "{:?} of {num} files", batch.volumes);
    }
    assert_eq!(num, files.len());
}

#[test]
fn orders_totals_run_on_from_file_to_file_and_over_a_restart() {
    let (runs, files) = run("1h", 3);
    assert_eq!(runs.len(), 2);
    check(&runs, &files, true);
}

#[test]
fn orders_volumes_leave_the_window_while_totals_stay() {
    let (runs, files) = run("500ms", usize::MAX);
    check(&runs, &files, false);
    let last = runs[0].last().unwrap();
    assert!(last.volumes.is_empty() && last.top == Worth::of(&files).top());
}
