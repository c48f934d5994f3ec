//! A socket against a peer on the loopback: what arrives, what is set aside, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::testing::{Basket, opening};
use super::*;

struct Running {
    basket: Arc<Basket>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), SourceError>>,
}

fn run(source: &Socket, extent: Extent) -> Running {
    let Ok(Reader::Receiver(receiver)) = source.open(&opening(extent)) else { panic!("no receiver") };
    let basket = Arc::new(Basket::default());
    let (stop, stopped) = Stop::new();
    Running { task: tokio::spawn(receiver.run(basket.clone(), stopped)), basket, stop }
}

async fn listen() -> (TcpListener, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, Socket { max_line: Bytes(100), ..Socket::new(address) })
}

#[tokio::test]
async fn lines_come_as_soon_as_they_are_complete_and_the_last_with_the_end() {
    let (listener, source) = listen().await;
    let running = run(&source, Extent::Available);
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"one\r\ntwo\nthr").await.unwrap();
    running.basket.when_there_are(2).await;
    peer.write_all(b"ee\n\xff\nlast").await.unwrap();
    drop(peer);
    running.task.await.unwrap().unwrap();
    let collected = running.basket.take();
    assert_eq!(collected.lines(), ["one", "two", "three", "last"]);
    assert_eq!(collected.refused()[0].0, source.address);
}

#[tokio::test]
async fn a_long_line_is_set_aside_and_the_next_one_read() {
    let (listener, source) = listen().await;
    let running = run(&source, Extent::Available);
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(&[b'x'; 100_000]).await.unwrap();
    peer.write_all(b"\nnext\n").await.unwrap();
    drop(peer);
    running.task.await.unwrap().unwrap();
    let collected = running.basket.take();
    assert_eq!(collected.lines(), ["next"]);
    assert_eq!(collected.refused()[0].1, "the line is longer than max_line, 100 B");
}

#[tokio::test]
async fn what_is_set_aside_names_the_peer() {
    let (listener, source) = listen().await;
    let running = run(&source, Extent::Endless);
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"good\nx\xff\n").await.unwrap();
    peer.write_all(&[b'y'; 101]).await.unwrap();
    peer.write_all(b"\nbetter\r\n").await.unwrap();
    running.basket.when_there_are(4).await;
    running.stop.send(true).unwrap();
    running.task.await.unwrap().unwrap();
    let collected = running.basket.take();
    assert_eq!(collected.lines(), ["good", "better"]);
    let expected = [
        ("the line is not UTF-8 from its byte 1 on", "x\u{fffd}".to_owned()),
        ("the line is longer than max_line, 100 B", "y".repeat(100)),
    ];
    let expected = expected.map(|(reason, line)| (source.address.clone(), reason.to_owned(), line));
    assert_eq!(collected.refused(), expected);
}

#[tokio::test]
async fn it_stops_while_it_waits_for_a_peer_that_refuses() {
    let (listener, source) = listen().await;
    drop(listener);
    for extent in [Extent::Endless, Extent::Available] {
        let running = run(&source, extent);
        tokio::task::yield_now().await;
        running.stop.send(true).unwrap();
        running.task.await.unwrap().unwrap();
        assert_eq!(running.basket.num(), 0);
    }
}

#[tokio::test]
async fn it_connects_again_when_the_peer_goes() {
    let (listener, source) = listen().await;
    let running = run(&source, Extent::Endless);
    for num in 1..=3 {
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(b"line\n").await.unwrap();
        running.basket.when_there_are(num).await;
    }
    running.stop.send(true).unwrap();
    running.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_peer_that_refuses_is_tried_until_it_listens() {
    let (listener, source) = listen().await;
    drop(listener);
    let running = run(&source, Extent::Available);
    // Let the first attempt be refused.
    tokio::task::yield_now().await;
    let listener = TcpListener::bind(&source.address).await.unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"late\n").await.unwrap();
    drop(peer);
    running.task.await.unwrap().unwrap();
    assert_eq!(running.basket.take().lines(), ["late"]);
}

#[tokio::test]
async fn on_stop_the_lines_at_hand_go_out_with_the_incomplete_tail() {
    let (listener, source) = listen().await;
    let running = run(&source, Extent::Endless);
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"whole\ntail").await.unwrap();
    running.basket.when_there_are(1).await;
    running.stop.send(true).unwrap();
    running.task.await.unwrap().unwrap();
    assert_eq!(running.basket.take().lines(), ["whole", "tail"]);
}

#[tokio::test]
async fn csv_comes_over_a_socket_too() {
    let (listener, source) = listen().await;
    let schema = Some(serde_json::from_str(r#"{ "id": "int64" }"#).unwrap());
    let running = run(&Socket { format: Format::Csv, schema, ..source }, Extent::Available);
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"1\nx\n2").await.unwrap();
    drop(peer);
    running.task.await.unwrap().unwrap();
    let collected = running.basket.take();
    assert_eq!((collected.rows().len(), collected.dead().len()), (2, 1));
}

#[test]
fn options_that_cannot_work_are_refused() {
    let good = Socket::new("localhost:9999");
    assert!(good.check().is_ok());
    assert!(Socket { max_rate: Some(0), ..good }.check().is_err());
    for address in ["localhost", ":9999", "localhost:", "localhost:99999", "localhost:0"] {
        assert!(Socket::new(address).check().is_err(), "{address}");
    }
}
