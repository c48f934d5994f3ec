"""Whether every public name has a docstring of its own, and hints for what it takes and answers."""

import dataclasses
import doctest
import enum
import importlib
import inspect
import pathlib
import sys
import types
import typing
import unittest

import tidemill_plugin
from tidemill_plugin import testing


def gaps(name, thing):
    """What `help()` would not say of a thing, and of what is in it."""
    told = thing.__doc__ or ""
    # A dataclass without words of its own gets its signature for some.
    if not told or told.startswith(f"{thing.__name__}("):
        yield f"{name} has no docstring"
    if inspect.isclass(thing):
        for part in parts_of(thing):
            if f"`{part}`" not in told:
                yield f"the docstring of {name} doesn't name `{part}`"
        for member, value in vars(thing).items():
            if member.startswith("_"):
                continue
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if inspect.isfunction(function):
                if not inspect.getdoc(getattr(thing, member)):
                    yield f"{name}.{member} has no docstring"
                yield from missing_hints(f"{name}.{member}", function)
    else:
        yield from missing_hints(name, thing)


def parts_of(kind):
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return list(kind.__members__) if issubclass(kind, enum.Enum) else []


def missing_hints(name, function):
    hints = function.__annotations__
    for parameter in inspect.signature(function).parameters:
        if parameter != "self" and parameter not in hints:
            yield f"{name}: `{parameter}` has no hint"
    if "return" not in hints:
        yield f"{name} doesn't say what it answers"


class Docs(unittest.TestCase):
    def test_every_public_name_is_documented(self):
        public = {name: getattr(tidemill_plugin, name) for name in tidemill_plugin.__all__}
        own = {name: thing for name, thing in vars(testing).items() if getattr(thing, "__module__", "") == testing.__name__}
        public |= {f"testing.{name}": thing for name, thing in own.items() if not name.startswith("_")}
        self.assertGreater(len(public), 35)
        found = [gap for name, thing in public.items() for gap in gaps(name, thing)]
        self.assertEqual(found, [], "\n".join(found))

    def test_what_has_no_docs_is_found(self):
        @dataclasses.dataclass
        class Bare:
            part: int

            def act(self, given):
                pass

        self.assertEqual(
            list(gaps("Bare", Bare)),
            [
                "Bare has no docstring",
                "the docstring of Bare doesn't name `part`",
                "Bare.act has no docstring",
                "Bare.act: `given` has no hint",
                "Bare.act doesn't say what it answers",
            ],
        )

    def test_the_examples_in_docstrings_are_true(self):
        tried = 0
        for name in ("columns", "schema"):
            result = doctest.testmod(importlib.import_module(f"tidemill_plugin.{name}"))
            self.assertEqual(result.failed, 0)
            tried += result.attempted
        self.assertGreater(tried, 1)

    def test_hints_can_be_resolved(self):
        for name in tidemill_plugin.__all__:
            thing = getattr(tidemill_plugin, name)
            if inspect.isfunction(thing):
                typing.get_type_hints(thing)


class Readme(unittest.TestCase):
    """What the README shows works as it stands there."""

    def setUp(self):
        text = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
        self.blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
        # By dataclasses and hints, a module is looked up by its name.
        self.module = sys.modules["readme"] = types.ModuleType("readme")
        exec("import datetime\n" + self.blocks[0], vars(self.module))

    def tearDown(self):
        del sys.modules["readme"]

    def test_the_operators_answer(self):
        it = self.module
        words = testing.transform(it.split_words, "line: utf8", [{"line": "to be"}])
        self.assertEqual(words.rows, [{"word": "to", "n": 1}, {"word": "be", "n": 1}])
        rows = [{"price": 2.5, "amount": 2}, {"price": 1.0, "amount": None}]
        totals = testing.transform(it.total, "price: float64, amount: int64?", rows)
        self.assertEqual(totals, testing.Answer([rows[0] | {"total": 5.0}], [(1, "no amount")]))
        three = [{"n": 1}, {"n": 2}, {"n": 3}]
        self.assertEqual(testing.reduce(it.add, "n: int64", [three]), [{"n": 6}])
        self.assertEqual(testing.subtract(it.add, "n: int64", [{"n": 6}], [three[:1]]), [{"n": 5}])
        self.assertEqual(testing.aggregate(it.Mean, "price: float64", [[{"price": 1.0}, {"price": 2.0}]]), [{"mean": 1.5}])
        self.assertEqual(testing.update_state(it.running_sum, "k: utf8", "n: int64", {"a": three}).states, [{"state": 6}])
        seen = testing.update_state(it.visits, "k: utf8", "url: utf8", {"a": [{"url": "/"}]}, {"a": {"state": 1}}, now=5)
        self.assertEqual(seen, testing.Updated([{"state": 2}], [{"k": "a", "visits": 2, "at": 5}]))
        bills = testing.cogroup(it.open_bills, "k: utf8", "n: float64", "n: float64", {"a": ([{"n": 3.0}], [{"n": 1.0}])})
        self.assertEqual(bills, [{"k": "a", "open": 2.0}])

    def test_the_class_on_columns_and_the_test_work(self):
        names = vars(tidemill_plugin) | {"testing": testing} | vars(self.module)
        exec(self.blocks[1], names)
        self.assertEqual(testing.transform(names["Even"], "n: int64", [{"n": 1}, {"n": 2}]).rows, [{"n": 2}])
        exec(self.blocks[2], names)
        self.assertEqual(len(self.blocks), 3)
