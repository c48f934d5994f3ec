//! The sink `tcp`, through the real program.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::super::support::{Project, Server};

const MANIFEST: &str = r#"
[pipeline]
name = "lines"
batch_interval = "10ms"
checkpoint = "checkpoint"
[sources.lines]
kind = "directory"
path = "in"
[sinks.out]
kind = "tcp"
from = "lines"
address = "ADDRESS"
acknowledge = true
"#;

/// Reads up to `num_lines` lines, each of which it acknowledges.
fn take(stream: TcpStream, num_lines: usize) -> Vec<String> {
    let mut answers = stream.try_clone().unwrap();
    let mut taken = Vec::new();
    for line in BufReader::new(stream).lines().take(num_lines) {
        taken.push(line.unwrap());
        writeln!(answers, "{}", taken.len()).unwrap();
    }
    taken
}

fn line(number: usize) -> String {
    format!("{{\"line\":\"{number}\"}}")
}

#[test]
fn a_receiver_that_comes_late_and_breaks_off_gets_every_line() {
    let address = Server::nowhere();
    let project = Project::new(&MANIFEST.replace("ADDRESS", &address.to_string()));
    project.make_folder("in");
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    let text: String = (0..100).map(|number| format!("{number}\n")).collect();
    project.move_in("in/1.txt", text);
    program.wait_for_log("cannot connect, retrying", 1);
    let listener = TcpListener::bind(address).unwrap();
    let receiver = thread::spawn(move || {
        let first = take(listener.accept().unwrap().0, 40);
        (first, take(listener.accept().unwrap().0, 101))
    });
    program.wait_for_log("connection lost", 1);
    program.wait_for_log("connected", 2);
    // The batch that broke came again, whole; the next one follows on the same connection.
    project.move_in("in/2.txt", "100\n");
    let (first, second) = receiver.join().unwrap();
    assert_eq!(first, (0..40).map(line).collect::<Vec<_>>());
    assert_eq!(second, (0..101).map(line).collect::<Vec<_>>());
    program.signal("INT");
    let finished = program.await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.num_logged("sink=") >= 3 || finished.stderr.contains("sink"), "{}", finished.stderr);
}

#[test]
fn rows_that_were_not_taken_before_a_crash_come_after_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let project = Project::new(&MANIFEST.replace("ADDRESS", &listener.local_addr().unwrap().to_string()));
    project.make_folder("in");
    let mut program = project.start(&[]);
    program.wait_for_log("running", 1);
    project.move_in("in/1.txt", "0\n1\n");
    // One of the two lines is taken, and the program dies.
    let first = take(listener.accept().unwrap().0, 1);
    program.kill();
    let receiver = thread::spawn(move || take(listener.accept().unwrap().0, 3));
    let mut program = project.start(&[]);
    program.wait_for_log("running", 1);
    project.move_in("in/2.txt", "2\n");
    assert_eq!((first, receiver.join().unwrap()), (vec![line(0)], (0..3).map(line).collect()));
    program.kill();
}
