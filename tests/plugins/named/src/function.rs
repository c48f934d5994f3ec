//! The functions by their names.

use serde_json::{Value, json};

use crate::record::{Cell, Record, as_pair, number};

/// What the functions that fail say.
const USER_ERROR: &str = "user error";

/// How the answer of a function stands in columns.
enum Answer {
    /// As its argument does.
    Same,
    /// A single value.
    Single(Cell),
    /// A pair of the argument and something.
    WithArgument(Cell),
    /// A pair of the argument and itself.
    Twice,
    /// A pair.
    Pair(Cell, Cell),
    /// The argument's sides, changed over.
    Swapped,
    /// The first side of the argument.
    First,
    /// The second side of the argument.
    Second,
    /// The second side of the argument, and a text.
    SecondAndText,
}

/// Whether there is a function of this name.
pub fn is_function(name: &str) -> bool {
    answer(name).is_some()
}

fn answer(name: &str) -> Option<Answer> {
    Some(match name {
        "x_and_2x" | "is_even" | "sum_partition" | "add_4" | "add_8" | "add_10" | "contains_a"
        | "key_contains_a" | "fail_on_1" | "fail_always" | "v_and_v10" | "suffix_1_2" | "identity"
        | "value_not_zero" | "value_positive" | "batch_add_2" | "batch_sort_by_key" => Answer::Same,
        "to_string" | "concat_upper" | "letters" | "upper" | "batch_map_to_string" => {
            Answer::Single(Cell::Text)
        }
        "length" | "counter" => Answer::Single(Cell::Int),
        "pair_with_1" | "pair_with_length" => Answer::WithArgument(Cell::Int),
        "pair_with_x" => Answer::WithArgument(Cell::Text),
        "pair_with_itself" | "batch_cartesian_self" => Answer::Twice,
        "length_letter_pairs" => Answer::Pair(Cell::Int, Cell::Text),
        "swap" | "swap_all" => Answer::Swapped,
        "batch_keys" => Answer::First,
        "second" => Answer::Second,
        "n_letter_pairs" => Answer::SecondAndText,
        _ => return None,
    })
}

/// How the answers of function `name` to `argument` stand in columns.
pub(crate) fn answer_to(name: &str, argument: &Record) -> Result<Record, String> {
    let answer = answer(name).ok_or_else(|| format!("there is no function `{name}`"))?;
    let sides = || argument.sides().ok_or_else(|| format!("`{name}` wants pairs"));
    let whole = argument.whole();
    Ok(match answer {
        Answer::Same => argument.normal(),
        Answer::Single(cell) => Record::single(cell),
        Answer::WithArgument(cell) => Record::pair(whole, cell),
        Answer::Twice => Record::pair(whole, whole),
        Answer::Pair(key, value) => Record::pair(key, value),
        Answer::Swapped => sides().map(|(key, value)| Record::pair(value, key))?,
        Answer::First => Record::single(sides()?.0),
        Answer::Second => Record::single(sides()?.1),
        Answer::SecondAndText => Record::pair(sides()?.1, Cell::Text),
    })
}

/// The function `name` of one value.
pub(crate) fn one(name: &str, x: &Value) -> Result<Value, String> {
    Ok(match name {
        "identity" => x.clone(),
        "to_string" => Value::String(plain(x)),
        "add_4" => add(x, &json!(4))?,
        "add_8" => add(x, &json!(8))?,
        "add_10" => add(x, &json!(10))?,
        "length" => json!(chars(x)?.len()),
        "upper" => json!(text(x)?.to_uppercase()),
        "counter" => x.get("n").cloned().ok_or_else(|| format!("{x} has no n"))?,
        "pair_with_1" => json!([x, 1]),
        "pair_with_x" => json!([x, "x"]),
        "pair_with_itself" => json!([x, x]),
        "pair_with_length" => json!([x, chars(x)?.len()]),
        "swap" => json!([pair(x)?.1, pair(x)?.0]),
        "second" => pair(x)?.1.clone(),
        "fail_on_1" if x == 1 => return Err(USER_ERROR.to_owned()),
        "fail_on_1" => x.clone(),
        "fail_always" => return Err(USER_ERROR.to_owned()),
        _ => return Err(format!("`{name}` is not a function that maps")),
    })
}

/// The function `name` of one value that answers several.
pub(crate) fn many(name: &str, x: &Value) -> Result<Vec<Value>, String> {
    Ok(match name {
        "x_and_2x" => vec![x.clone(), add(x, x)?],
        "v_and_v10" => vec![x.clone(), add(x, &json!(10))?],
        "suffix_1_2" => vec![json!(format!("{}1", text(x)?)), json!(format!("{}2", text(x)?))],
        "letters" => chars(x)?.into_iter().map(Value::String).collect(),
        "length_letter_pairs" => {
            let letters = chars(x)?;
            letters.iter().map(|letter| json!([letters.len(), letter])).collect()
        }
        "n_letter_pairs" => {
            let (word, n) = pair(x)?;
            chars(word)?.into_iter().map(|letter| json!([n, letter])).collect()
        }
        _ => return Err(format!("`{name}` is not a function that answers several values")),
    })
}

/// Whether the function `name` keeps a value.
pub(crate) fn keeps(name: &str, x: &Value) -> Result<bool, String> {
    Ok(match name {
        "is_even" => x.as_i64().ok_or_else(|| format!("{x} is not whole"))? % 2 == 0,
        "contains_a" => text(x)?.contains('a'),
        "key_contains_a" => text(pair(x)?.0)?.contains('a'),
        "value_not_zero" => pair(x)?.1 != 0,
        "value_positive" => pair(x)?.1.as_f64().is_some_and(|v| v > 0.0),
        _ => return Err(format!("`{name}` is not a function that filters")),
    })
}

/// The function `name` of all values of a partition or batch.
pub(crate) fn all(name: &str, xs: &[Value]) -> Result<Vec<Value>, String> {
    let each = |name: &str| xs.iter().map(|x| one(name, x)).collect();
    match name {
        "sum_partition" => Ok(vec![xs.iter().try_fold(json!(0), |sum, x| add(&sum, x))?]),
        "concat_upper" => {
            let texts = xs.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            Ok(vec![json!(texts.concat().to_uppercase())])
        }
        "swap_all" => each("swap"),
        "batch_map_to_string" => each("to_string"),
        "batch_add_2" => xs.iter().map(|x| add(x, &json!(2))).collect(),
        "batch_keys" => xs.iter().map(|x| pair(x).map(|(key, _)| key.clone())).collect(),
        "batch_sort_by_key" => {
            let mut sorted = xs.to_vec();
            sorted.sort_by_cached_key(|x| pair(x).map(|(key, _)| sort_key(key)).unwrap_or_default());
            Ok(sorted)
        }
        "batch_cartesian_self" => Ok(xs.iter().flat_map(|x| xs.iter().map(move |y| json!([x, y]))).collect()),
        _ => Err(format!("`{name}` is not a function of a batch")),
    }
}

/// The function `name` of two values.
pub fn combine(name: &str, a: &Value, b: &Value) -> Result<Value, String> {
    match name {
        "add" => add(a, b),
        "sub" => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Ok(json!(a - b)),
            _ => Ok(number(float(a)? - float(b)?)),
        },
        "append_string" => Ok(json!(format!("{}{}", text(a)?, plain(b)))),
        _ => Err(format!("`{name}` is not a function that combines")),
    }
}

/// Numbers are added up; texts and lists are put together.
pub(crate) fn add(a: &Value, b: &Value) -> Result<Value, String> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(json!(format!("{a}{b}"))),
        (Value::Array(a), Value::Array(b)) => Ok(a.iter().chain(b).cloned().collect()),
        _ => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.checked_add(b).map(Value::from).ok_or_else(|| "too large".to_owned()),
            _ => Ok(number(float(a)? + float(b)?)),
        },
    }
}

/// A value as text without quotes.
fn plain(x: &Value) -> String {
    x.as_str().map_or_else(|| x.to_string(), str::to_owned)
}

/// Orders numbers before texts.
fn sort_key(x: &Value) -> (i64, String) {
    (x.as_i64().unwrap_or(i64::MAX), plain(x))
}

fn chars(x: &Value) -> Result<Vec<String>, String> {
    Ok(text(x)?.chars().map(String::from).collect())
}

fn text(x: &Value) -> Result<&str, String> {
    x.as_str().ok_or_else(|| format!("{x} is not a text"))
}

fn float(x: &Value) -> Result<f64, String> {
    x.as_f64().ok_or_else(|| format!("{x} is not a number"))
}

fn pair(x: &Value) -> Result<(&Value, &Value), String> {
    as_pair(x).ok_or_else(|| format!("{x} is not a pair"))
}
