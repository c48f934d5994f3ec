//! Batches sent to a receiver on the loopback that reads, answers, breaks off or isn't there.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

use super::*;
use crate::source::Stop;

fn numbers(from: i64, to: i64) -> Vec<Partition> {
    let column: ArrayRef = Arc::new((from..to).collect::<Int64Array>());
    vec![vec![RecordBatch::try_from_iter([("n", column)]).unwrap()]]
}

fn open(sink: &Tcp) -> Box<dyn Writer> {
    sink.open(&Opening::new("p", "out", &numbers(0, 1)[0][0].schema())).unwrap()
}

fn write(writer: &mut dyn Writer, millis: i64, rows: &[Partition]) -> Result<(), SinkError> {
    let time = BatchTime::from_millis(millis);
    writer.stage(time, rows)?;
    writer.publish(time)?;
    writer.publish(time)
}

fn listen() -> (TcpListener, Tcp) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sink = Tcp::new(listener.local_addr().unwrap().to_string());
    (listener, sink)
}

fn lines(stream: TcpStream) -> impl Iterator<Item = String> {
    BufReader::new(stream).lines().map(Result::unwrap)
}

#[test]
fn batches_follow_one_another_on_one_connection() {
    let (listener, sink) = listen();
    let receiver = thread::spawn(move || lines(listener.accept().unwrap().0).collect::<Vec<_>>());
    let mut writer = open(&sink);
    write(&mut *writer, 1, &numbers(0, 2)).unwrap();
    write(&mut *writer, 2, &[]).unwrap();
    write(&mut *writer, 3, &numbers(2, 3)).unwrap();
    writer.close().unwrap();
    assert_eq!(receiver.join().unwrap(), ["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"]);
}

#[test]
fn each_connection_has_its_header_and_the_batch_that_broke_comes_whole() {
    let (listener, sink) = listen();
    let sink = Tcp { format: RowFormat::Csv, header: true, acknowledge: true, ..sink };
    let receiver = thread::spawn(move || {
        let (first, _) = listener.accept().unwrap();
        let mut answers = first.try_clone().unwrap();
        let mut first = lines(first);
        let mut taken: Vec<String> = first.by_ref().take(1).collect();
        answers.write_all(b"1\n").unwrap();
        taken.extend(first.by_ref().take(2));
        answers.write_all(b"2\n3\n").unwrap();
        taken.extend(first.next());
        drop((first, answers));
        let (mut second, _) = listener.accept().unwrap();
        let mut whole: Vec<String> = lines(second.try_clone().unwrap()).take(1).collect();
        second.write_all(b"1\n").unwrap();
        whole.extend(lines(second.try_clone().unwrap()).take(2));
        second.write_all(b"3\n").unwrap();
        (taken, whole)
    });
    let mut writer = open(&sink);
    write(&mut *writer, 1, &numbers(0, 2)).unwrap();
    write(&mut *writer, 2, &numbers(2, 4)).unwrap();
    writer.close().unwrap();
    let (first, second) = receiver.join().unwrap();
    assert_eq!(first, ["n", "0", "1", "2"]);
    assert_eq!(second, ["n", "2", "3"]);
}

#[test]
fn a_receiver_that_is_gone_is_noticed_before_rows_are_sent_in_vain() {
    let (listener, sink) = listen();
    let mut writer = open(&sink);
    let sent = thread::spawn(move || {
        write(&mut *writer, 1, &numbers(0, 1)).unwrap();
        writer
    });
    let (mut first, _) = listener.accept().unwrap();
    let mut line = [0; 8];
    first.read_exact(&mut line).unwrap();
    drop(first);
    let mut writer = sent.join().unwrap();
    let receiver = thread::spawn(move || lines(listener.accept().unwrap().0).collect::<Vec<_>>());
    write(&mut *writer, 2, &numbers(1, 2)).unwrap();
    writer.close().unwrap();
    assert_eq!(receiver.join().unwrap(), ["{\"n\":1}"]);
}

#[test]
fn a_receiver_that_answers_slowly_and_often_holds_nothing_up() {
    let (listener, sink) = listen();
    let sink = Tcp { acknowledge: true, ..sink };
    let receiver = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answers = stream.try_clone().unwrap();
        let mut num_taken = 0;
        for _ in lines(stream) {
            num_taken += 1;
            writeln!(answers, "{num_taken}").unwrap();
        }
        num_taken
    });
    let mut writer = open(&sink);
    write(&mut *writer, 1, &numbers(0, 300_000)).unwrap();
    writer.close().unwrap();
    assert_eq!(receiver.join().unwrap(), 300_000);
}

#[test]
fn only_an_immediate_stop_ends_the_wait_for_a_receiver_that_is_away() {
    let (listener, sink) = listen();
    drop(listener);
    let (stop, stopped) = Stop::new();
    let schema = numbers(0, 1)[0][0].schema();
    let mut writer = sink.open(&Opening { stop: stopped, ..Opening::new("p", "out", &schema) }).unwrap();
    let waiting = thread::spawn(move || write(&mut *writer, 1, &numbers(0, 1)));
    stop.send(true).unwrap();
    let error = waiting.join().unwrap().unwrap_err().to_string();
    assert!(error.starts_with(&format!("stopped while it waited for {}", sink.address)), "{error}");
}

#[test]
fn options_that_do_not_fit_are_found_by_check() {
    let schema = numbers(0, 1)[0][0].schema();
    let wrong = Tcp::new("nowhere").check(&schema).unwrap_err().to_string();
    assert!(wrong.starts_with("address: `nowhere` is not host:port"), "{wrong}");
    let wrong = Tcp { header: true, ..Tcp::new("a:1") }.check(&schema).unwrap_err().to_string();
    assert!(wrong.starts_with("header: it is for CSV only"), "{wrong}");
}
