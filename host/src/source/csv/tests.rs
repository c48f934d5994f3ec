//! Records that fit, records that don't, and where one ends.

use proptest::prelude::*;
use serde_json::json;

use crate::source::format::{Encoding, Format};
use crate::source::testing::{Collected, encoding, unpack};

const SCHEMA: &str = r#"{ "id": "int64", "name": "utf8", "price": "float64?" }"#;

fn csv(chunks: &[&[u8]]) -> Collected {
    unpack(&encoding(Format::Csv, Some(SCHEMA), 1000), chunks)
}

#[test]
fn values_go_into_typed_columns() {
    let collected = csv(&[b"1,spark,2.5\r\n2,,\n\n 3 ,\"a \"\"b\"\", c\",1e3"]);
    assert_eq!(
        collected.rows(),
        [
            json!({ "id": 1, "name": "spark", "price": 2.5 }),
            json!({ "id": 2, "name": "", "price": null }),
            json!({ "id": 3, "name": "a \"b\", c", "price": 1000.0 }),
        ]
    );
}

#[test]
fn records_that_do_not_fit_say_where_and_why() {
    let collected = csv(&[b"1,a,1\nx,b,2\n2,c\n\n3,d,cheap\n,e,5\n4,\xff,6\n5,f,7\n"]);
    assert_eq!(collected.rows().len(), 2);
    let refused = collected.refused();
    let expected = [
        ("file:2", "column `id`: `x` is no int64", "x,b,2"),
        ("file:3", "the record has 2 values, not 3", "2,c"),
        ("file:5", "column `price`: `cheap` is no float64", "3,d,cheap"),
        ("file:6", "column `id` is empty, and its type int64 has no `?`", ",e,5"),
        ("file:7", "the record is not UTF-8", "4,\u{fffd},6"),
    ];
    assert_eq!(refused, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
}

#[test]
fn a_quoted_value_may_hold_line_ends_and_be_cut_by_chunks() {
    let bytes = b"1,\"two\r\nlines\",1\r\n2,\"\",\r\nx,,\r\n";
    for at in 0..bytes.len() {
        let (left, right) = bytes.split_at(at);
        let collected = csv(&[left, right]);
        assert_eq!(collected.rows()[0], json!({ "id": 1, "name": "two\r\nlines", "price": 1.0 }));
        assert_eq!(collected.rows()[1], json!({ "id": 2, "name": "", "price": null }));
        assert_eq!(collected.refused()[0].0, "file:4", "cut at {at}");
    }
}

#[test]
fn a_quote_that_is_never_closed_costs_its_line_only() {
    let collected = csv(&[b"1,a,1\n2,\"b,2\n3,c,3\n4,d,4\n"]);
    assert_eq!(collected.rows().len(), 3);
    assert_eq!(collected.refused()[0].1, "a quote in the line is never closed");
    assert_eq!(collected.refused()[0].2, "2,\"b,2");
}

#[test]
fn a_quote_that_is_closed_too_late_counts_as_never_closed() {
    let collected = unpack(
        &encoding(Format::Csv, Some(SCHEMA), 10),
        &[b"1,\"aaaa\nbbbbbbbbbbbbbb\n2,b,3\nc\",1\n4,d,4\n"],
    );
    assert_eq!(
        collected.rows(),
        [json!({ "id": 2, "name": "b", "price": 3.0 }), json!({ "id": 4, "name": "d", "price": 4.0 })]
    );
    let places: Vec<(String, String)> =
        collected.refused().into_iter().map(|(place, reason, _)| (place, reason)).collect();
    let expected = [
        ("file:1", "a quote in the line is never closed"),
        ("file:2", "the line is longer than max_line, 10 B"),
        ("file:4", "the record has 2 values, not 3"),
    ];
    assert_eq!(places, expected.map(|(place, reason)| (place.to_owned(), reason.to_owned())));
}

const ALL: &str =
    r#"{ "b": "boolean?", "i": "int64?", "f": "float64?", "t": "timestamp?", "u": "utf8?", "x": "binary?" }"#;

#[test]
fn every_type_has_its_values_its_nulls_and_its_misfits() {
    let collected = unpack(
        &encoding(Format::Csv, Some(ALL), 1000),
        &[b"false,-9223372036854775808,-0.5,1969-12-31T23:59:59Z,\xc3\xa9,FF\n,,,,,\n\
            yes,,,,,\n,1.5,,,,\n,,1_0,,,\n,,,noon,,\n,,,,,f\n"],
    );
    assert_eq!(
        collected.rows(),
        [
            json!({ "b": false, "i": i64::MIN, "f": -0.5, "t": "1969-12-31T23:59:59Z", "u": "é", "x": "ff" }),
            json!({ "b": null, "i": null, "f": null, "t": null, "u": null, "x": null }),
        ]
    );
    let reasons: Vec<String> = collected.refused().into_iter().map(|(_, reason, _)| reason).collect();
    let expected = [
        "column `b`: `yes` is no boolean",
        "column `i`: `1.5` is no int64",
        "column `f`: `1_0` is no float64",
        "column `t`: `noon` is no timestamp",
        "column `x`: `f` is no binary",
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn what_a_refused_record_left_in_other_columns_is_taken_back() {
    let schema = r#"{ "u": "utf8", "x": "binary?", "i": "int64" }"#;
    let collected =
        unpack(&encoding(Format::Csv, Some(schema), 1000), &[b"a,01,x\nb,02zz,1\nc,,2\nd,03,3\n"]);
    assert_eq!(
        collected.rows(),
        [json!({ "u": "c", "x": null, "i": 2 }), json!({ "u": "d", "x": "03", "i": 3 })]
    );
    assert_eq!(collected.dead().len(), 2);
}

#[test]
fn a_carriage_return_within_quotes_stays() {
    assert_eq!(csv(&[b"1,a,\"2\r\"\n"]).rows()[0]["price"], json!(2.0));
    assert_eq!(csv(&[b"1,\"a\r\",2\r\n1,a\rb,2\r\n"]).rows()[1]["name"], json!("a\rb"));
}

#[test]
fn behind_a_header_that_cannot_be_read_nothing_is() {
    let encoding = Encoding { header: true, ..encoding(Format::Csv, Some(SCHEMA), 20) };
    for header in [b"id,na\xffme,price\n".as_slice(), b"id,name,price,and,many,more\n", b"id,\"name,price\n"]
    {
        let collected = unpack(&encoding, &[header, b"1,a,2\n", b"2,b,3\n"]);
        assert_eq!(collected.rows().len(), 0);
        let refused = collected.refused();
        assert_eq!(refused.len(), 3, "{refused:?}");
        assert!(refused[1..].iter().all(|(_, reason, _)| reason == super::NO_HEADER), "{refused:?}");
    }
}

#[test]
fn a_header_says_which_value_is_whose() {
    let encoding = Encoding { header: true, ..encoding(Format::Csv, Some(SCHEMA), 1000) };
    let collected = unpack(&encoding, &[b"name,extra,id\r\na,b,1\r\nc,d\r\n"]);
    assert_eq!(collected.rows(), [json!({ "id": 1, "name": "a", "price": null })]);
    assert_eq!(collected.refused()[0].1, "the record has 2 values, not 3");
    let collected = unpack(&encoding, &[b"name\na\n"]);
    assert_eq!(collected.refused()[0].1, "column `id` is not in the header, and its type int64 has no `?`");
}

#[test]
fn other_separators_and_types_are_read() {
    let schema = r#"{ "at": "timestamp", "raw": "binary", "ok": "boolean?" }"#;
    let encoding = Encoding { separator: Some('\t'), ..encoding(Format::Csv, Some(schema), 1000) };
    let collected = unpack(&encoding, &[b"2026-11-20 19:30:01.5\t00ff\tTrue\n2026-11-20\tzz\t\n"]);
    assert_eq!(collected.rows()[0]["raw"], json!("00ff"));
    assert_eq!(collected.rows()[0]["ok"], json!(true));
    assert_eq!(collected.rows()[0]["at"], json!("2026-11-20T19:30:01.500Z"));
    assert_eq!(collected.refused()[0].1, "column `raw`: `zz` is no binary");
}

proptest! {
    #[test]
    fn what_is_written_with_quotes_is_read_again(
        rows in prop::collection::vec((any::<i64>(), "[a-c\",\n\r é]{0,12}"), 0..20),
        chunk in 1_usize..30,
    ) {
        let quoted = |(id, name): &(i64, String)| format!("{id},\"{}\",\n", name.replace('"', "\"\""));
        let bytes: String = rows.iter().map(quoted).collect();
        let collected = csv(&bytes.as_bytes().chunks(chunk).collect::<Vec<_>>());
        let expected: Vec<_> =
            rows.iter().map(|(id, name)| json!({ "id": id, "name": name, "price": null })).collect();
        prop_assert_eq!(collected.rows(), expected);
    }

    #[test]
    fn chunks_do_not_matter_where_records_are_too_long(
        pieces in prop::collection::vec(prop::sample::select(vec![
            b"\n".as_slice(), b"\r\n", b"\"", b"1,a,1\n", b"2,\"b\n\",\n", b"aaaaaaaaaaaaaaaa", b"\xff", b",",
        ]), 0..40),
        chunk in 1_usize..20,
    ) {
        let encoding = encoding(Format::Csv, Some(SCHEMA), 12);
        let bytes = pieces.concat();
        let once = unpack(&encoding, &[&bytes]);
        let torn = unpack(&encoding, &bytes.chunks(chunk).collect::<Vec<_>>());
        prop_assert_eq!(once.rows(), torn.rows());
        prop_assert_eq!(once.refused(), torn.refused());
    }

    #[test]
    fn no_input_stops_it(bytes in prop::collection::vec(prop::sample::select(b"1a,\"\r\n\xff".to_vec()), 0..80)) {
        let once = csv(&[&bytes]);
        let torn = csv(&bytes.chunks(3).collect::<Vec<_>>());
        prop_assert_eq!(once.rows(), torn.rows());
        prop_assert_eq!(once.refused(), torn.refused());
    }
}
