"""Whether every public name has a docstring of its own, and hints for what it takes and answers."""

import dataclasses
import doctest
import enum
import importlib
import inspect
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
