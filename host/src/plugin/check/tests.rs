//! Arbitrary answers: those that a plain reading of the contract allows are taken, unchanged, and no others.

use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const TYPES: [DataType; 6] = [
    DataType::Boolean,
    DataType::Int64,
    DataType::Float64,
    DataType::Utf8,
    DataType::Binary,
    DataType::Timestamp,
];

/// Values of `num_rows` rows, as they should be.
fn values(data_type: DataType, num_rows: usize) -> BoxedStrategy<ValuesResult> {
    let varlen = |texts: Vec<Vec<u8>>| {
        let mut end = 0;
        let ends = texts.iter().map(|text| {
            end += text.len() as u32;
            end
        });
        let offsets = std::iter::once(0).chain(ends).collect();
        VarlenResult { offsets, data: texts.concat() }
    };
    match data_type {
        DataType::Boolean => vec(any::<bool>(), num_rows).prop_map(ValuesResult::Boolean).boxed(),
        DataType::Int64 => vec(any::<i64>(), num_rows).prop_map(ValuesResult::Int64).boxed(),
        DataType::Timestamp => vec(any::<i64>(), num_rows).prop_map(ValuesResult::Timestamp).boxed(),
        DataType::Float64 => vec(any::<f64>(), num_rows).prop_map(ValuesResult::Float64).boxed(),
        DataType::Utf8 => vec("[aß→🌊]{0,3}".prop_map(String::into_bytes), num_rows)
            .prop_map(move |texts| ValuesResult::Utf8(varlen(texts)))
            .boxed(),
        DataType::Binary => vec(vec(any::<u8>(), 0..4), num_rows)
            .prop_map(move |texts| ValuesResult::Binary(varlen(texts)))
            .boxed(),
    }
}

/// What may be wrong with offsets and their data, or nothing.
fn damage(varlen: VarlenResult, what: u8, at: usize, by: u32) -> VarlenResult {
    let VarlenResult { mut offsets, mut data } = varlen;
    match what {
        0 => {
            let place = at % offsets.len();
            offsets[place] = offsets[place].wrapping_add(by);
        }
        1 => drop(offsets.pop()),
        2 => offsets.push(by),
        3 => drop(data.pop()),
        4 => data.push(by as u8),
        5 => offsets.clear(),
        6 => offsets.reverse(),
        7 if !data.is_empty() => {
            let place = at % data.len();
            data[place] = by as u8;
        }
        // Moves a border between two values, perhaps into the middle of a character.
        8 if offsets.len() > 2 => {
            let place = 1 + at % (offsets.len() - 2);
            offsets[place] += 1;
        }
        _ => {}
    }
    VarlenResult { offsets, data }
}

/// The number of values or flags of `num_rows` rows: mostly right.
fn about(num_rows: usize) -> impl Strategy<Value = usize> {
    prop_oneof![9 => Just(num_rows), 1 => 0_usize..6]
}

/// A column that a plugin answers, the field that it promised, and the number of rows.
fn answer() -> impl Strategy<Value = (ColumnResult, Field, usize)> {
    let promise = (0_usize..5, 0_usize..6, any::<bool>());
    let counts = promise.prop_flat_map(|(num_rows, promised, nullable)| {
        (Just((num_rows, promised, nullable)), about(promised), about(num_rows), about(num_rows))
    });
    counts.prop_flat_map(|((num_rows, promised, nullable), answered, num_values, num_flags)| {
        let field = Field::new("c", TYPES[promised].arrow(), nullable);
        let valid = prop_oneof![Just(None), vec(prop::bool::weighted(0.8), num_flags).prop_map(Some)];
        let damages = (0_u8..16, any::<usize>(), prop_oneof![0_u32..4, any::<u32>()]);
        (values(TYPES[answered], num_values), valid, damages).prop_map(
            move |(values, valid, (what, at, by))| {
                let values = match values {
                    ValuesResult::Utf8(varlen) => ValuesResult::Utf8(damage(varlen, what, at, by)),
                    ValuesResult::Binary(varlen) => ValuesResult::Binary(damage(varlen, what, at, by)),
                    values => values,
                };
                (ColumnResult { values, valid }, field.clone(), num_rows)
            },
        )
    })
}

/// A row's value: its bytes, or none where it is null.
type Model = Vec<Option<Vec<u8>>>;

/// What the contract says of an answer: its values, or nothing where it isn't allowed.
fn model(answered: &ColumnResult, field: &Field, num_rows: usize) -> Option<Model> {
    let slices = |varlen: &VarlenResult| -> Option<Vec<Vec<u8>>> {
        let ends_right = varlen.offsets.first() == Some(&0)
            && varlen.offsets.last().is_some_and(|&last| last as usize == varlen.data.len());
        let pairs = varlen.offsets.windows(2);
        let slices: Option<Vec<_>> = pairs
            .map(|pair| varlen.data.get(pair[0] as usize..pair[1] as usize).map(<[u8]>::to_vec))
            .collect();
        slices.filter(|_| ends_right)
    };
    let bytes = |numbers: &[i64]| numbers.iter().map(|n| n.to_le_bytes().to_vec()).collect();
    let (data_type, values): (DataType, Vec<Vec<u8>>) = match &answered.values {
        ValuesResult::Boolean(flags) => {
            (DataType::Boolean, flags.iter().map(|&flag| vec![u8::from(flag)]).collect())
        }
        ValuesResult::Int64(numbers) => (DataType::Int64, bytes(numbers)),
        ValuesResult::Timestamp(numbers) => (DataType::Timestamp, bytes(numbers)),
        ValuesResult::Float64(numbers) => {
            (DataType::Float64, numbers.iter().map(|n| n.to_le_bytes().to_vec()).collect())
        }
        ValuesResult::Utf8(varlen) => {
            let texts = slices(varlen)?;
            texts.iter().all(|text| std::str::from_utf8(text).is_ok()).then_some((DataType::Utf8, texts))?
        }
        ValuesResult::Binary(varlen) => (DataType::Binary, slices(varlen)?),
    };
    let valid = answered.valid.clone().unwrap_or_else(|| vec![true; num_rows]);
    let fits = data_type.arrow() == *field.data_type()
        && values.len() == num_rows
        && valid.len() == num_rows
        && (field.is_nullable() || valid.iter().all(|&valid| valid));
    fits.then(|| values.into_iter().zip(valid).map(|(value, valid)| valid.then_some(value)).collect())
}

/// What is in a column.
fn found(array: &ArrayRef) -> Model {
    let value = |row: usize| match DataType::from_arrow(array.data_type()).unwrap() {
        DataType::Boolean => vec![u8::from(array.as_boolean().value(row))],
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_le_bytes().to_vec(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_le_bytes().to_vec(),
        DataType::Timestamp => {
            array.as_primitive::<TimestampMicrosecondType>().value(row).to_le_bytes().to_vec()
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).as_bytes().to_vec(),
        DataType::Binary => array.as_binary::<i32>().value(row).to_vec(),
    };
    (0..array.len()).map(|row| array.is_valid(row).then(|| value(row))).collect()
}

#[test]
fn fuzz_takes_what_the_contract_allows_and_nothing_else() {
    // `cargo xtask fuzz` says how long.
    let seconds = std::env::var("TIDEMILL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        let mut runner = TestRunner::new(Config { cases: 4096, ..Config::default() });
        let done = runner.run(&answer(), |(answered, field, num_rows)| {
            let expected = model(&answered, &field, num_rows);
            let batch = BatchResult { rows: num_rows as u32, columns: vec![answered] };
            let taken = columns(batch, &[Arc::new(field)]);
            if let Ok(columns) = &taken {
                columns[0].to_data().validate_full().unwrap();
            }
            prop_assert_eq!(taken.ok().map(|columns| found(&columns[0])), expected);
            Ok(())
        });
        if let Err(error) = done {
            panic!("{error}");
        }
        if end.is_none_or(|end| Instant::now() >= end) {
            return;
        }
    }
}

proptest! {
    #[test]
    fn indices_are_all_below_the_end(indices in vec(0_u32..6, 0..5), end in 0_usize..6) {
        let expected = indices.iter().all(|&index| (index as usize) < end);
        prop_assert_eq!(super::indices("row", &indices, end).is_ok(), expected);
    }
}
