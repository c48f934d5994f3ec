//! The interfaces of the contract that work on keys, called as operators call them: what comes back, and what
//! becomes of a plugin that answers what it shouldn't.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use serde_json::json;
use tidemill::metrics::Metrics;
use tidemill::plugin::{
    Call, CogroupInput, Interface, NativeReducer, NativeTransformer, NativeUpdater, Plugin, PluginError,
    PluginFailure, PluginSpec, TransformPlan, UpdateInput, WasmPlugin,
};
use tidemill::record::{BatchTime, Bytes};

use super::support::{Program, engine, plugin, shown};

const CALL: Call = Call { time: BatchTime::from_millis(5), partition: 0 };

fn load_with(name: &str, config: serde_json::Value, set: impl FnOnce(&mut PluginSpec)) -> WasmPlugin {
    let mut spec = PluginSpec::new(plugin(name));
    spec.config = config;
    set(&mut spec);
    WasmPlugin::load(&engine(), name, &spec, &Metrics::new("p")).unwrap()
}

fn load(name: &str) -> WasmPlugin {
    load_with(name, json!(null), |_| {})
}

fn liar(lie: &str) -> WasmPlugin {
    load_with("keyed_liar", json!({ "lie": lie }), |_| {})
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[i64]) -> RecordBatch {
    batch([("n", ints(values))])
}

#[track_caller]
fn rows(answer: Result<RecordBatch, PluginError>) -> Vec<String> {
    shown(&answer.unwrap()).unwrap()
}

/// What is wrong with an answer.
#[track_caller]
fn invalid<T>(answer: Result<T, PluginError>) -> String {
    match answer.map(drop).unwrap_err().failure {
        PluginFailure::InvalidAnswer(problem) => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn a_plugin_says_which_interfaces_it_has() {
    assert_eq!(load("sum").interfaces(), [Interface::Reduce, Interface::Inverse]);
    assert_eq!(load("first").interfaces(), [Interface::Reduce]);
    assert_eq!(load("mean").interfaces(), [Interface::Aggregate]);
    assert_eq!(load("settle").interfaces(), [Interface::Cogroup]);
    assert_eq!(load("visits").interfaces(), [Interface::UpdateState]);
    let schema = numbers(&[]).schema();
    let error = load("sum").updater("s", &schema, &schema).map(drop).unwrap_err().to_string();
    let wanted = "plugin `sum`: it exports reduce, inverse, and this operator calls update-state; use another \
                  operator or plugin";
    assert_eq!(error, wanted);
}

/// What `tidemill inspect` prints of it below the line of its input.
#[track_caller]
fn inspected(name: &str, columns: &[&str]) -> Vec<String> {
    let path = plugin(name);
    let finished = Program::start(&[&["inspect", path.to_str().unwrap()], columns].concat()).finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout.lines().skip_while(|line| !line.starts_with("input")).skip(1).map(str::to_owned).collect()
}

#[test]
fn inspect_opens_a_plugin_as_all_that_it_is() {
    assert_eq!(inspected("sum", &["--input", "n: int64"]), ["output   n: int64, one row a key"]);
    let mean = ["keeps    sum n: int64, count n: int64", "output   n: float64, one row a key"];
    assert_eq!(inspected("mean", &["--input", "n: int64"]), mean);
    let sides =
        ["--input", "number: int64, item: utf8", "--right", "paid: float64", "--key", "client: utf8?"];
    assert_eq!(inspected("settle", &sides), ["output   what: utf8, paid: float64"]);
    let columns = ["--input", "path: utf8", "--key", "client: utf8, port: int64"];
    let visits =
        ["keeps    visits: int64, last_path: utf8", "output   visits: int64, what: utf8, at: timestamp"];
    assert_eq!(inspected("visits", &columns), visits);
    assert_eq!(
        inspected("running_sum", &["--input", "n: int64?"]),
        ["keeps    n: int64?", "output   nothing"]
    );
}

#[test]
fn sums_can_be_taken_back_out_and_first_rows_cannot() {
    let schema = numbers(&[]).schema();
    assert!(load("first").inverter("s", &schema).unwrap().is_none());
    let mut sum = load("sum").inverter("s", &schema).unwrap().unwrap();
    let rest = sum.subtract(&CALL, &numbers(&[10, 20, 30]), &[2, 2, 3], &numbers(&[1, 2, 3]));
    assert_eq!(rows(rest), ["7", "20", "27"]);
    let error = sum.subtract(&CALL, &numbers(&[i64::MIN]), &[1], &numbers(&[1])).unwrap_err();
    assert_eq!(error.to_string(), "plugin `sum`: the call failed: the rest of column `n` does not fit int64");
    let rest = sum.subtract(&CALL, &numbers(&[1]), &[1], &numbers(&[1]));
    assert_eq!(rows(rest), ["0"], "a new instance goes on");
}

#[test]
fn an_aggregation_collects_merges_and_finishes() {
    let nullable: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.5), None, None]));
    let values = batch([("n", ints(&[1, 2, 6])), ("x", nullable)]);
    let mut mean = load("mean").aggregator("s", &values.schema()).unwrap();
    let first = mean.accumulate(&CALL, &[2, 3], &values).unwrap();
    let names: Vec<_> = mean.accumulator().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["sum n", "count n", "sum x", "count x"]);
    assert_eq!(shown(&first).unwrap(), ["(3, 2, 0.5, 1)", "(6, 1, 0.0, 0)"]);
    let merged = mean.merge(&CALL, &[2], &first).unwrap();
    assert_eq!(rows(mean.finish(&CALL, &merged)), ["(3.0, 0.5)"]);
    assert_eq!(rows(mean.finish(&CALL, &first)), ["(1.5, 0.5)", "(6.0, null)"]);
}

#[test]
fn a_cogroup_sees_both_sides_of_each_key() {
    let keys = batch([("client", Arc::new(StringArray::from(vec![Some("ann"), Some("bob"), None])))]);
    let left = batch([("item", texts(&["tea", "silk"])), ("number", ints(&[7, 8]))]);
    let right = batch([("paid", Arc::new(Float64Array::from(vec![1.5, 2.0, -1.0])))]);
    let mut settle = load("settle").cogrouper("s", &keys.schema(), &left.schema(), &right.schema()).unwrap();
    let mut input = CogroupInput {
        keys,
        left_ends: vec![2, 2, 2],
        left,
        right_ends: vec![1, 2, 2],
        right: right.slice(0, 2),
    };
    let answer = settle.process(&CALL, &input).unwrap();
    assert_eq!(
        shown(&answer.rows).unwrap(),
        ["(7 tea, 1.5)", "(8 silk, 1.5)", "(no bill, 2.0)", "(no bill, 0.0)"]
    );
    assert_eq!(answer.origins, [0, 0, 1, 2]);
    (input.right, input.right_ends) = (right, vec![1, 2, 3]);
    let error = settle.process(&CALL, &input).unwrap_err();
    assert_eq!(error.to_string(), "plugin `settle`: the call failed: somebody was paid");
}

/// Two clients, of whom the second has no data.
fn clients(paths: &[&str], states: RecordBatch, known: [bool; 2], timed_out: [bool; 2]) -> UpdateInput {
    let num_paths = u32::try_from(paths.len()).unwrap();
    UpdateInput {
        keys: batch([("client", texts(&["ann", "bob"])), ("port", ints(&[80, 81]))]),
        ends: vec![num_paths, num_paths],
        values: batch([("path", texts(paths))]),
        states,
        known: known.to_vec(),
        timed_out: timed_out.to_vec(),
    }
}

#[test]
fn states_go_in_and_out_and_a_key_that_timed_out_is_told() {
    let none = batch([("visits", ints(&[0, 0])), ("last_path", texts(&["", ""]))]);
    let input = clients(&["/a", "/b"], none, [false; 2], [false; 2]);
    let plugin = load_with("visits", json!({ "forbidden": "/x" }), |_| {});
    let mut visits = plugin.updater("s", &input.keys.schema(), &input.values.schema()).unwrap();
    let first = visits.update(&CALL, &input).unwrap();
    let at = "1970-01-01T00:00:00.005Z";
    assert_eq!(shown(&first.output.rows).unwrap(), [format!("(1, /a, {at})"), format!("(2, /b, {at})")]);
    assert_eq!((first.output.origins, first.kept), (vec![0, 0], vec![true, false]));
    assert_eq!(shown(&first.states).unwrap()[0], "(2, /b)");

    let states = batch([("visits", ints(&[2, 5])), ("last_path", texts(&["/b", "/c"]))]);
    let input = clients(&["/logout", "/a"], states.clone(), [true; 2], [false, true]);
    let second = visits.update(&CALL, &input).unwrap();
    let told = [format!("(1, /a, {at})"), format!("(5, bob:81 left /c, {at})")];
    assert_eq!(shown(&second.output.rows).unwrap(), told);
    assert_eq!((second.output.origins, second.kept), (vec![0, 1], vec![true, false]));

    let error = visits.update(&CALL, &clients(&["/x"], states, [true; 2], [false; 2])).unwrap_err();
    assert_eq!(error.to_string(), "plugin `visits`: the call failed: /x is forbidden");
}

#[test]
fn an_answer_without_lies_is_taken_in_any_order() {
    let values = numbers(&[1, 2, 3]);
    let mut updater = liar("").updater("s", &values.schema(), &values.schema()).unwrap();
    let input = UpdateInput {
        keys: values.clone(),
        ends: vec![0, 1, 3],
        values: values.clone(),
        states: values,
        known: vec![true; 3],
        timed_out: vec![false; 3],
    };
    let answer = updater.update(&CALL, &input).unwrap();
    assert_eq!((answer.output.origins, answer.kept), (vec![2, 0], vec![true; 3]));
}

const LIES: [(&str, &str); 6] = [
    ("fewer rows", "it has 1 rows, and there are 2 KEYS"),
    ("more rows", "it has 3 rows, and there are 2 KEYS"),
    ("short column", "column `n`: it holds 1 values, and there are 2 rows"),
    ("other type", "column `n`: it is of type float64, and n: int64 was promised"),
    ("null", "column `n`: a row is null, where the schema promised none"),
    ("no column", "it has 0 columns, and 1 were promised"),
];

#[test]
fn one_row_a_key_is_wanted_of_everyone() {
    let (schema, two) = (numbers(&[]).schema(), numbers(&[1, 2]));
    for (lie, problem) in LIES {
        let liar = liar(lie);
        let says = |what: &str| problem.replace("KEYS", what);
        let mut reducer = liar.reducer("s", &schema).unwrap();
        assert_eq!(invalid(reducer.reduce(&CALL, &[1, 2], &two)), says("keys"));
        let mut inverter = liar.inverter("s", &schema).unwrap().unwrap();
        assert_eq!(invalid(inverter.subtract(&CALL, &two, &[1, 2], &two)), says("totals"));
        let mut aggregator = liar.aggregator("s", &schema).unwrap();
        assert_eq!(invalid(aggregator.accumulate(&CALL, &[1, 2], &two)), says("keys"));
        assert_eq!(invalid(aggregator.merge(&CALL, &[1, 2], &two)), says("keys"));
        assert_eq!(invalid(aggregator.finish(&CALL, &two)), says("accumulators"));
        let mut updater = liar.updater("s", &schema, &schema).unwrap();
        assert_eq!(invalid(updater.update(&CALL, &of_two())), says("keys"));
    }
}

/// Two keys, each with one value and a state.
fn of_two() -> UpdateInput {
    let two = numbers(&[1, 2]);
    let (ends, values, states) = (vec![1, 2], two.clone(), two.clone());
    UpdateInput { keys: two, ends, values, states, known: vec![true; 2], timed_out: vec![false; 2] }
}

#[test]
fn rows_belong_to_keys_that_there_are() {
    let schema = numbers(&[]).schema();
    let lies = [
        ("origin", "origin 2 doesn't exist; there are 2"),
        ("origins", "it tells the origins of 1 rows, and answers 2"),
    ];
    for (lie, problem) in lies {
        let mut updater = liar(lie).updater("s", &schema, &schema).unwrap();
        assert_eq!(invalid(updater.update(&CALL, &of_two())), problem);
        let mut cogrouper = liar(lie).cogrouper("s", &schema, &schema, &schema).unwrap();
        let two = numbers(&[1, 2]);
        let (left_ends, left, right_ends) = (vec![1, 2], two.clone(), vec![1, 2]);
        let input = CogroupInput { keys: two.clone(), left_ends, left, right_ends, right: two };
        assert_eq!(invalid(cogrouper.process(&CALL, &input)), problem);
    }
    let mut updater = liar("kept").updater("s", &schema, &schema).unwrap();
    let problem = "it says of 1 keys whether they are kept, and there are 2";
    assert_eq!(invalid(updater.update(&CALL, &of_two())), problem);
}

#[test]
fn columns_that_cannot_be_are_found_when_a_plugin_is_opened() {
    let schema = numbers(&[]).schema();
    let nameless = |what: &str| format!("open: the {what}: a column's name has 0 bytes; it needs 1 to 255");
    for what in ["accumulator", "output"] {
        assert_eq!(invalid(liar(what).aggregator("s", &schema)), nameless(what));
    }
    for what in ["state", "output"] {
        assert_eq!(invalid(liar(what).updater("s", &schema, &schema)), nameless(what));
    }
    assert_eq!(invalid(liar("output").cogrouper("s", &schema, &schema, &schema)), nameless("output"));
}

#[test]
fn limits_hold_for_all_that_goes_in_and_comes_out() {
    let schema = numbers(&[]).schema();
    let small = load_with("keyed_liar", json!({}), |spec| spec.limits.input = Some(Bytes(32)));
    let mut updater = small.updater("s", &schema, &schema).unwrap();
    let error = updater.update(&CALL, &of_two()).unwrap_err().to_string();
    assert!(error.ends_with("raise `limits.input` to pass it"), "{error}: 48 bytes are too many");
    assert!(small.reducer("s", &schema).unwrap().reduce(&CALL, &[2], &numbers(&[1, 2])).is_ok());

    let small = load_with("keyed_liar", json!({}), |spec| spec.limits.output_rows = Some(1));
    let two = numbers(&[1, 2]);
    let error = small.aggregator("s", &schema).unwrap().finish(&CALL, &two).unwrap_err().to_string();
    assert!(error.contains("it answered more than 1 rows"), "{error}");
    let error = small.updater("s", &schema, &schema).unwrap().update(&CALL, &of_two()).unwrap_err();
    assert!(error.to_string().contains("it answered more than 1 rows"), "{error}");
}

#[test]
fn native_plugins_stand_behind_the_same_traits() {
    let schema = numbers(&[]).schema();
    let total =
        |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().iter().sum::<i64>();
    let reducer = NativeReducer::new("add", move |_, values| Ok(numbers(&[total(values)])));
    assert!(reducer.inverter("s", &schema).unwrap().is_none());
    let error = reducer.transformer("s", &schema).map(drop).unwrap_err().to_string();
    let wanted = "plugin `add`: it doesn't export transform, which this operator calls; use another operator or plugin";
    assert_eq!(error, wanted);
    let both = reducer.with_inverse(move |totals, _, values| Ok(numbers(&[total(totals) - total(values)])));
    let mut inverter = both.inverter("s", &schema).unwrap().unwrap();
    assert_eq!(rows(inverter.subtract(&CALL, &numbers(&[5]), &[1], &numbers(&[2]))), ["3"]);

    let updater = NativeUpdater::new("never", Arc::clone(&schema), Arc::clone(&schema), |call, _| {
        Err(format!("not at {}", call.time.millis()))
    });
    let error = updater.updater("s", &schema, &schema).unwrap().update(&CALL, &of_two()).unwrap_err();
    assert_eq!(error.to_string(), "plugin `never`: the call failed: not at 5");

    let plan = TransformPlan { reads: vec![], carries: vec![], produces: vec![] };
    let transform = NativeTransformer::new("t", plan, |_, _| Err(String::new()));
    assert!(transform.aggregator("s", &schema).is_err() && transform.reducer("s", &schema).is_err());
    let flag: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    assert!(transform.cogrouper("s", &batch([("flag", flag)]).schema(), &schema, &schema).is_err());
}
