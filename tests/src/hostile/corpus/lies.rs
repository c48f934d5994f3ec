//! Answers that are not what they should be.

use serde_json::json;

use super::super::super::support::plugin;
use super::super::files::wat;
use super::bombs::tight;
use super::{At, Case, Input, Kind};

pub fn cases() -> Vec<Case> {
    [plans(), answers(), reductions(), raw()].concat()
}

fn lie(lie: &str, at: At, kind: Kind, says: &str) -> Case {
    Case::new(&format!("lie `{lie}`"), plugin("liar"), at, kind, says).config(json!({ "lie": lie }))
}

fn plans() -> Vec<Case> {
    let plan = |text: &str, says: &str| {
        lie(text, At::Open, Kind::InvalidAnswer, &format!("its answer is invalid: open: {says}"))
    };
    vec![
        plan("it reads a column that isn't there", "column to read 7 doesn't exist; there are 1"),
        plan("it carries a column that isn't there", "column to carry 4294967295 doesn't exist; there are 1"),
        plan("two columns of one name", "two columns are called `text`"),
        plan("a column without a name", "a column's name has 0 bytes; it needs 1 to 255"),
        plan("a column with a long name", "a column's name has 256 bytes; it needs 1 to 255"),
        plan("too many columns", "it has 1001 columns; at most 1000 are allowed"),
        lie("it refuses at length", At::Open, Kind::Refused, "open refused: no no no"),
    ]
}

fn answers() -> Vec<Case> {
    let answer = |text: &str, says: &str| {
        let says = format!("its answer is invalid: {says}");
        lie(text, At::Call, Kind::InvalidAnswer, &says).input(Input::Lines(vec!["tide", "mill", "é"]))
    };
    vec![
        answer("a column is missing", "it has 1 columns, and 2 were promised"),
        answer("a column too many", "it has 3 columns, and 2 were promised"),
        answer("more rows than it has", "column `text`: it has 4 offsets, and 4 rows need 5"),
        lie(
            "four thousand million rows",
            At::Call,
            Kind::Limit,
            "it answered more than 8000000 rows; raise `limits.output_rows` if it needs more",
        ),
        answer("no rows and no origins", "it tells no origins, so its 0 rows should be 3"),
        answer("an origin that isn't there", "origin 3 doesn't exist; there are 3"),
        answer("fewer origins than rows", "it tells the origins of 2 rows, and answers 3"),
        answer("more origins than rows", "it tells the origins of 4 rows, and answers 3"),
        answer("it rejects a row that isn't there", "rejected row 3 doesn't exist; there are 3"),
        answer("it rejects a row and answers it", "it rejects input row 0 and answers rows for it"),
        answer("offsets that descend", "column `text`: its offsets descend"),
        answer(
            "offsets beyond the data",
            "column `text`: its offsets don't run from 0 to the 10 bytes of its data",
        ),
        answer(
            "offsets that end before the data",
            "column `text`: its offsets don't run from 0 to the 11 bytes of its data",
        ),
        answer(
            "offsets that don't begin at 0",
            "column `text`: its offsets don't run from 0 to the 10 bytes of its data",
        ),
        answer("too few offsets", "column `text`: it has 3 offsets, and 3 rows need 4"),
        answer("no offsets", "column `text`: it has 0 offsets, and 3 rows need 4"),
        answer("text that isn't UTF-8", "column `text`: "),
        answer("text cut within a character", "column `text`: "),
        answer("fewer values than rows", "column `size`: it holds 2 values, and there are 3 rows"),
        answer("more values than rows", "column `size`: it holds 4 values, and there are 3 rows"),
        answer(
            "a column of another type",
            "column `size`: it is of type float64, and size: int64 was promised",
        ),
        answer("bytes for text", "column `text`: it is of type binary, and text: utf8 was promised"),
        answer("a null where none may be", "column `size`: a row is null, where the schema promised none"),
        answer(
            "fewer flags than rows",
            "column `size`: it says of 2 rows whether they are null, and there are 3",
        ),
    ]
}

fn reductions() -> Vec<Case> {
    let answer = |text: &str, says: &str| {
        let says = format!("its answer is invalid: {says}");
        let case = lie(text, At::Call, Kind::InvalidAnswer, &says).input(Input::Numbers);
        Case { name: format!("{} of a reduction", case.name), ..case }
    };
    vec![
        answer("fewer rows than keys", "it has 1 rows, and there are 2 keys"),
        answer("more rows than keys", "it has 3 rows, and there are 2 keys"),
        answer("fewer values than rows", "column `n`: it holds 1 values, and there are 2 rows"),
        answer("a column is missing", "it has 0 columns, and 1 were promised"),
        answer("a column of another type", "column `n`: it is of type float64, and n: int64 was promised"),
        answer("a null where none may be", "column `n`: a row is null, where the schema promised none"),
    ]
}

/// Answers that only bytes can give: they break the rules by which values cross the sandbox.
fn raw() -> Vec<Case> {
    let raw = |name: &str, says: &str| {
        Case::new(name, wat(name), At::Call, Kind::Trapped, &format!("it trapped: {says}")).limits(tight())
    };
    vec![
        raw("wild_pointer", "pointer"),
        raw("crooked_pointer", "return pointer not aligned"),
        raw("wild_list", "list"),
        raw("wild_case", "invalid"),
        raw("wild_error", "invalid utf-8"),
        Case::new(
            "huge_answer",
            wat("huge_answer"),
            At::Call,
            Kind::Limit,
            "it answered more than 64.0 MiB; raise `limits.output` if it needs more",
        ),
    ]
}
