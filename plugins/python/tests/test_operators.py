"""What the decorators make of functions, natively, on rows."""

import json
import math
import unittest
from dataclasses import dataclass
from datetime import datetime, timezone

import operators as plugins
from tidemill_plugin import Batch, Column, DataType, Failure, Output, Plan, Reject, Schema, Timestamp, Transform, export
from tidemill_plugin import filter as keep
from tidemill_plugin import map as map_rows
from tidemill_plugin import testing, update_state
from tidemill_plugin.errors import explain
from tidemill_plugin.export import operator_of


class Transforms(unittest.TestCase):
    def test_a_flat_map_answers_any_number_of_rows(self):
        answer = testing.transform(plugins.split_words, "line: utf8", [{"line": "to bé"}, {"line": " "}])
        self.assertEqual(answer.rows, [{"word": "to", "n": 1}, {"word": "bé", "n": 1}])

    def test_a_row_refused_half_way_puts_nothing_out(self):
        lines = [{"line": "be"}, {"line": "not tobe"}, {"line": "or"}]
        answer = testing.transform(plugins.split_words, "line: utf8", lines, {"most": 3})
        self.assertEqual([row["word"] for row in answer.rows], ["be", "or"])
        self.assertEqual(answer.rejects, [(1, "a word has 4 characters, at most 3 are allowed")])

    def test_a_map_carries_columns_and_reads_nulls(self):
        rows = [{"item": "tea", "price": 2.5, "amount": 2}, {"item": "silk", "price": 1.0, "amount": None}]
        answer = testing.transform(plugins.total, "item: utf8, price: float64, amount: int64?", rows)
        self.assertEqual(answer.rows, [rows[0] | {"total": 5.0}])
        self.assertEqual(answer.rejects, [(1, "no amount")])

    def test_a_row_without_a_value_that_is_needed_is_refused(self):
        rows = [{"price": 99.5}, {"price": None}]
        answer = testing.transform(plugins.is_large, "price: float64?", rows, {"limit": 50})
        self.assertEqual(answer, testing.Answer([rows[0]], [(1, "column `price` holds no value")]))

    def test_an_exception_is_told_with_its_line(self):
        operator = operator_of(plugins.is_large)
        operator.open("{}", Schema.parse("price: float64"))
        try:
            operator.process(Batch(1, [Column(DataType.FLOAT64, [1.0])]))
        except KeyError as error:
            told = explain(error, operator.home)
        self.assertRegex(told, r"^KeyError: 'limit' \(operators.py:\d+, in is_large\)$")

    def test_a_class_may_take_the_columns(self):
        @export
        class Even(Transform):
            def open(self, config, input):
                return Plan([input.want("n", DataType.INT64)], input.all_but([]), [])

            def process(self, input):
                kept = [row for row, n in enumerate(input.columns[0].values) if n % 2 == 0]
                return Output(Batch(len(kept), []), kept)

        self.assertEqual(testing.transform(Even, "n: int64", [{"n": 1}, {"n": 2}]).rows, [{"n": 2}])


class Keyed(unittest.TestCase):
    def test_values_are_reduced_and_taken_out_again(self):
        groups = [[{"n": 1}, {"n": 2}], [{"n": 4}]]
        self.assertEqual(testing.reduce(plugins.add, "n: int64", groups), [{"n": 3}, {"n": 4}])
        totals = [{"n": 10}, {"n": 20}]
        self.assertEqual(testing.subtract(plugins.add, "n: int64", totals, [groups[0], []]), [{"n": 7}, {"n": 20}])

    def test_rows_are_reduced_whatever_the_order_of_the_columns(self):
        rows = [{"first": 3, "last": 3}, {"first": 1, "last": 2}]
        self.assertEqual(testing.reduce(plugins.widen, "first: int64, last: int64", [rows]), [{"first": 1, "last": 3}])

    def test_a_column_without_a_field_is_refused(self):
        with self.assertRaisesRegex(Failure, "the reducer has no field for column `x`"):
            testing.reduce(plugins.widen, "first: int64, last: int64, x: int64", [])

    def test_an_aggregation_is_merged(self):
        groups = [[{"n": 1.0}, {"n": 2.0}, {"n": 6.0}], [{"n": 5.0}]]
        self.assertEqual(testing.aggregate(plugins.Mean, "n: float64", groups), [{"mean": 3.0}, {"mean": 5.0}])

    def test_a_state_goes_from_batch_to_batch_and_ends(self):
        def run(keys, states):
            return testing.update_state(plugins.running_sum, "word: utf8", "n: int64", keys, states).states

        first = run({"a": [{"n": 1}, {"n": 2}], "b": [{"n": 5}]}, {})
        self.assertEqual(first, [{"state": 3}, {"state": 5}])
        self.assertEqual(run({"a": [], "b": [{"n": -5}]}, dict(zip("ab", first))), [{"state": 3}, None])

    def test_a_state_is_mapped_a_record_at_a_time(self):
        keys = {"ann": [{"page": "/"}, {"page": "/logout"}, {"page": "/"}], "robot": [{"page": "/"}]}
        answer = testing.update_state(plugins.visits, "who: utf8", "page: utf8", keys, now=-1)
        at = -1
        visits = [{"who": "ann", "visits": visits, "at": at} for visits in (1, 2, 1)]
        self.assertEqual(answer, testing.Updated([{"state": 1}, None], visits))

    def test_a_key_that_times_out_is_forgotten(self):
        answer = testing.update_state(
            plugins.visits, "who: utf8", "page: utf8", {"ann": []}, {"ann": {"state": 3}}, timed_out=["ann"]
        )
        self.assertEqual(answer, testing.Updated([None], []))

    def test_states_of_earlier_versions_are_migrated_by_their_columns(self):
        def migrate(columns, states, plugin=plugins.stats):
            return testing.migrate(plugin, "word: utf8", "n: int64", columns, states)

        self.assertEqual(migrate("state: int64", [{"state": 7}, {"state": 9}]), [{"sum": 7, "count": 1}, {"sum": 9, "count": 1}])
        old = [{"note": "x", "total": 1}, {"note": None, "total": 2}]
        self.assertEqual(migrate("note: utf8?, total: int64", old), [{"sum": 1, "count": 1}, {"sum": 2, "count": 0}])
        with self.assertRaisesRegex(Reject, "^the sum -1 is negative$"):
            migrate("state: int64", [{"state": -1}])
        with self.assertRaisesRegex(Failure, "^row 0 holds no value$"):
            migrate("state: int64?", [{"state": None}])
        unknown = "^no earlier version is known with this state; the columns are: total: int64, note: utf8, more: int64$"
        with self.assertRaisesRegex(Failure, unknown):
            migrate("total: int64, note: utf8, more: int64", [])
        self.assertEqual(operator_of(plugins.stats).interfaces, ["update-state", "migrate-state"])
        self.assertEqual(operator_of(plugins.running_sum).interfaces, ["update-state"])

    def test_a_migration_to_another_state_is_refused_when_it_is_opened(self):
        @update_state(migrate=plugins.from_sum)
        def other(values: list[int], state: int | None) -> int | None:
            return sum(values)

        wanted = "from_sum has to take an earlier state and answer one of now: `def from_sum(state: int) -> int`"
        with self.assertRaises(Failure) as raised:
            testing.migrate(other, "word: utf8", "n: int64", "state: int64", [])
        self.assertEqual(str(raised.exception), wanted)

    def test_a_cogroup_sees_both_sides(self):
        keys = {"a": ([{"n": 3.0}], []), "b": ([], [{"n": 1.0}]), "c": ([{"n": 3.0}, {"n": 1.0}], [{"n": 1.0}])}
        answer = testing.cogroup(plugins.open_bills, "who: utf8", "n: float64", "n: float64", keys)
        self.assertEqual(answer, [{"who": "a", "open": 3.0}, {"who": "c", "open": 3.0}])


@dataclass
class All:
    b: bool
    i: int
    f: float
    s: str
    y: bytes
    t: Timestamp


@map_rows
def same(b: bool, i: int, f: float, s: str, y: bytes, t: Timestamp) -> All:
    return All(b, i, f, s, y, t)


@dataclass
class Out:
    n: int | None


@map_rows
def answer(n: int, config: dict) -> Out:
    return Out(eval(config["answer"]))


@dataclass
class At:
    at: datetime


@map_rows
def day(t: datetime) -> At:
    return At(t.replace(hour=0))


@keep
def two_configs(a: dict, b: All) -> bool:
    return True


class Values(unittest.TestCase):
    columns = "b: boolean, i: int64, f: float64, s: utf8, y: binary, t: timestamp"

    def test_values_come_out_as_they_went_in(self):
        row = {"b": True, "i": -(2**63), "f": math.inf, "s": "a\0日", "y": b"\xff", "t": Timestamp(-1)}
        self.assertEqual(testing.transform(same, self.columns, [row]).rows, [row])

    def test_times_are_datetimes(self):
        time = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)
        answered = testing.transform(day, "t: timestamp", [{"t": time}]).rows
        self.assertEqual(Timestamp(answered[0]["at"]).datetime(), time.replace(hour=0))
        with self.assertRaisesRegex(Failure, "beyond the years 1 to 9999"):
            testing.transform(day, "t: timestamp", [{"t": Timestamp(2**62)}])

    def test_what_does_not_fit_is_shown(self):
        def answered(text):
            return testing.transform(answer, "n: int64", [{"n": 1}], {"answer": text}).rows

        self.assertEqual(answered("None"), [{"n": None}])
        for text, shown in [("2**63", str(2**63)), ("'x'", "'x'"), ("1.5", "1.5")]:
            with self.assertRaisesRegex(Failure, f"column `n` is int64, which {shown} doesn't fit"):
                answered(text)

    def test_configs_are_checked(self):
        refused = {
            '{"mots": 1}': "config: unknown field `mots`, expected `most`",
            '{"most": "x"}': 'config: `most` is "x", but int is wanted',
            "[1]": r"config: a table is wanted, not \[1\]",
        }
        for config, error in refused.items():
            with self.assertRaisesRegex(Failure, error):
                operator_of(plugins.split_words).open(config, Schema.parse("line: utf8"))
        with self.assertRaisesRegex(Failure, "config: this plugin takes none"):
            testing.transform(same, self.columns, [], {"x": 1})

    def test_wrong_functions_are_told_what_is_wrong(self):
        with self.assertRaisesRegex(Failure, "`a` and `b` are both configs"):
            operator_of(two_configs).open("null", Schema.parse("a: utf8"))
        error = "column `line` is int64, but utf8 is wanted; the columns are: line: int64"
        with self.assertRaisesRegex(Failure, error):
            operator_of(plugins.split_words).open(json.dumps({}), Schema.parse("line: int64"))


if __name__ == "__main__":
    unittest.main()
