//! What graphs put out by definition: every batch by itself, every window from the rows that it covers.

use std::collections::BTreeMap;

use tidemill::operator::How;

use super::functions::{
    Key, Reduction, Row, Value, drift, fold, mark_rows, number_rows, passes, settle, timed_out,
};
use super::graph::{Graph, Node, Op};
use super::input::Input;

/// The rows of a stream, batch after batch: the number of each batch, from 1, and its rows.
pub type Batches = BTreeMap<u64, Vec<Row>>;

/// States of keys, and the number of the batch that touched each last.
type States = BTreeMap<Key, (i64, u64)>;

/// The most rows of a batch; a graph that makes more isn't worth its time.
const MOST_ROWS: usize = 60_000;

/// All streams of `graph`, sources first; none where batches get too large.
pub fn run(graph: &Graph, input: &Input) -> Option<Vec<Batches>> {
    let numbers = 1..=input.num_batches;
    let source = |source| numbers.clone().map(|number| (number, input.rows(source, number))).collect();
    let mut streams: Vec<Batches> = (0..graph.num_sources).map(source).collect();
    // What nodes with a state keep after each of their batches.
    let mut kept: Vec<BTreeMap<u64, States>> = vec![BTreeMap::new(); graph.num_sources];
    for node in &graph.nodes {
        let (mut batches, mut states) = (Batches::new(), BTreeMap::new());
        let mut state = States::new();
        for number in numbers.clone().filter(|number| number % node.every == 0) {
            let inputs: Vec<Vec<Row>> =
                node.from.iter().map(|&from| covered(graph, &streams[from], node, from, number)).collect();
            let snapshot = kept[node.from[0]].get(&number);
            let rows = match node.op {
                Op::Snapshots => {
                    snapshot?.iter().map(|(key, (state, _))| (*key, vec![int(*state)])).collect()
                }
                Op::RunningSum | Op::Drift | Op::MapWithState { .. } => {
                    update(node.op, &mut state, &inputs[0], number)
                }
                Op::NumberRows => rows_of(number_rows((input.first + number - 1) as i64, inputs[0].clone())),
                _ => stateless(node.op, &inputs)?,
            };
            states.insert(number, state.clone());
            let row = |(key, values): (Key, Vec<Value>)| match values.as_slice() {
                [Value::Int(Some(number))] if !node.op.is_folded() => (key, *number),
                values => (key, fold(values, graph.keeps_order(node))),
            };
            let rows: Vec<Row> = rows.into_iter().map(row).collect();
            if rows.len() > MOST_ROWS {
                return None;
            }
            batches.insert(number, rows);
        }
        streams.push(batches);
        kept.push(states);
    }
    Some(streams)
}

/// The rows of the input `from` that the batch number `number` of `node` is made of.
fn covered(graph: &Graph, batches: &Batches, node: &Node, from: usize, number: u64) -> Vec<Row> {
    let reach = graph.every(from) * node.op.window().map_or(1, |window| window.length);
    batches.range((number + 1).saturating_sub(reach)..=number).flat_map(|(_, rows)| rows.clone()).collect()
}

/// What comes of the rows of one batch or window.
fn stateless(op: Op, inputs: &[Vec<Row>]) -> Option<Vec<(Key, Vec<Value>)>> {
    let rows = &inputs[0];
    let numbers = || rows.iter().map(|row| row.1).collect::<Vec<_>>();
    let one = |value: i64| vec![(Some(0), vec![int(value)])];
    Some(match op {
        Op::Map(map) => rows_of(rows.iter().flat_map(|row| map.apply(*row)).collect()),
        Op::Filter => rows_of(rows.iter().copied().filter(|row| passes(row.1)).collect()),
        Op::Union => rows_of(inputs.concat()),
        Op::Count(_) => one(rows.len() as i64),
        Op::CountByValue(_) => {
            let mut counts = BTreeMap::<Row, i64>::new();
            rows.iter().for_each(|row| *counts.entry(*row).or_default() += 1);
            counts.into_iter().map(|((key, n), count)| (key, vec![int(n), int(count)])).collect()
        }
        Op::Reduce(..) if rows.is_empty() => Vec::new(),
        Op::Reduce(reduction, ..) => one(reduction.apply(&numbers())),
        Op::ReduceByKey(reduction, ..) => each_key(rows, |numbers| int(reduction.apply(numbers))),
        Op::AggregateByKey(_) => each_key(rows, |numbers| {
            Value::Float(Reduction::Sum.apply(numbers) as f64 / numbers.len() as f64)
        }),
        Op::GroupByKey(_) => each_key(rows, |numbers| Value::List(numbers.to_vec())),
        Op::Cogroup => both(inputs)
            .into_iter()
            .map(|(key, [left, right])| (key, vec![Value::List(left), Value::List(right)]))
            .collect(),
        Op::CogroupWith => both(inputs)
            .into_iter()
            .flat_map(|(key, [left, right])| {
                settle(&left, &right).into_iter().map(move |told| (key, vec![int(told)]))
            })
            .collect(),
        Op::Join(how) => join(how, inputs)?,
        Op::MarkRows => rows_of(mark_rows(rows.clone(), &inputs[1])),
        _ => rows_of(rows.clone()),
    })
}

fn rows_of(rows: Vec<Row>) -> Vec<(Key, Vec<Value>)> {
    rows.into_iter().map(|(key, number)| (key, vec![int(number)])).collect()
}

fn int(number: i64) -> Value {
    Value::Int(Some(number))
}

fn by_key(rows: &[Row]) -> BTreeMap<Key, Vec<i64>> {
    let mut keys = BTreeMap::<Key, Vec<i64>>::new();
    rows.iter().for_each(|(key, number)| keys.entry(*key).or_default().push(*number));
    keys
}

fn each_key(rows: &[Row], make: impl Fn(&[i64]) -> Value) -> Vec<(Key, Vec<Value>)> {
    by_key(rows).into_iter().map(|(key, numbers)| (key, vec![make(&numbers)])).collect()
}

/// The numbers of each key of either stream.
fn both(inputs: &[Vec<Row>]) -> BTreeMap<Key, [Vec<i64>; 2]> {
    let mut keys = BTreeMap::<Key, [Vec<i64>; 2]>::new();
    for (side, rows) in inputs.iter().enumerate() {
        rows.iter().for_each(|(key, number)| keys.entry(*key).or_default()[side].push(*number));
    }
    keys
}

fn join(how: How, inputs: &[Vec<Row>]) -> Option<Vec<(Key, Vec<Value>)>> {
    let (keeps_left, keeps_right) =
        (matches!(how, How::Left | How::Full), matches!(how, How::Right | How::Full));
    let some = |numbers: Vec<i64>| numbers.into_iter().map(Some).collect::<Vec<_>>();
    let mut pairs = Vec::new();
    for (key, [left, right]) in both(inputs) {
        let (left, right) = match (left.is_empty(), right.is_empty()) {
            (true, false) if keeps_right => (vec![None], some(right)),
            (false, true) if keeps_left => (some(left), vec![None]),
            _ => (some(left), some(right)),
        };
        if pairs.len() + left.len() * right.len() > MOST_ROWS {
            return None;
        }
        pairs.extend(
            left.iter().flat_map(|l| right.iter().map(move |r| (key, vec![Value::Int(*l), Value::Int(*r)]))),
        );
    }
    Some(pairs)
}

/// What comes of `rows` and the states of their keys in the batch number `now`.
fn update(op: Op, states: &mut States, rows: &[Row], now: u64) -> Vec<(Key, Vec<Value>)> {
    let (keys, mut out) = (by_key(rows), Vec::new());
    let mut known: Vec<Key> = states.keys().copied().filter(|key| !keys.contains_key(key)).collect();
    if let Op::MapWithState { timeout_ms, each } = op {
        for (key, numbers) in &keys {
            let whole = [numbers.iter().sum()];
            let numbers = if each { numbers.as_slice() } else { &whole };
            let mut state = states.remove(key).map(|(state, _)| state);
            for number in numbers {
                let sum = state.unwrap_or(0) + number;
                out.push((*key, vec![int(sum)]));
                state = drift(state, &[*number]);
            }
            states.extend(state.map(|state| (*key, (state, now))));
        }
        known.retain(|key| timeout_ms.is_some_and(|timeout| (now - states[key].1) * 1000 > timeout));
        let idle = known.iter().filter_map(|key| Some((*key, vec![int(timed_out(states.remove(key)?.0))])));
        out.extend(idle);
        return out;
    }
    for key in keys.keys().copied().chain(known) {
        let (state, numbers) = (states.get(&key).map(|state| state.0), keys.get(&key));
        let numbers = numbers.map_or(&[][..], Vec::as_slice);
        let updated = match op {
            Op::RunningSum => Some(state.unwrap_or(0) + numbers.iter().sum::<i64>()),
            _ => drift(state, numbers),
        };
        states.remove(&key);
        states.extend(updated.map(|state| (key, (state, now))));
    }
    states.iter().map(|(key, (state, _))| (*key, vec![int(*state)])).collect()
}
