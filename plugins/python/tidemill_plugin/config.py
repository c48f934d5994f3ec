"""Configs: what a manifest gives a plugin, as JSON, read into a dataclass or left a dictionary."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

from .errors import Failure
from .rows import field_names, strip_optional


def is_config(hint: Any) -> bool:
    """Whether an argument with this hint is the config: a dataclass, `NamedTuple` or `dict`."""
    return hint is dict or typing.get_origin(hint) is dict or field_names(hint) is not None


def parse(text: str, hint: Any | None) -> Any:
    """Reads a config as `hint` says. `null` stands for an empty table; without a hint there must be nothing."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Failure(f"config: not JSON: {error}") from None
    value = {} if value is None else value
    if hint is None:
        if value != {}:
            raise Failure("config: this plugin takes none")
        return None
    if not isinstance(value, dict):
        raise Failure(f"config: a table is wanted, not {json.dumps(value)}")
    return value if field_names(hint) is None else _read(value, hint)


def _read(value: dict, hint: Any) -> Any:
    names, hints = field_names(hint), typing.get_type_hints(hint)
    for key in value:
        if key not in names:
            known = ", ".join(f"`{name}`" for name in names)
            raise Failure(f"config: unknown field `{key}`, expected {'one of ' if len(names) > 1 else ''}{known}")
    for name in names:
        if name not in value and not _has_default(hint, name):
            raise Failure(f"config: missing field `{name}`")
        if name in value:
            value[name] = _fit(name, value[name], hints.get(name))
    return hint(**value)


def _fit(name: str, value: Any, hint: Any) -> Any:
    plain, optional = strip_optional(hint)
    if value is None and optional:
        return None
    if field_names(plain) is not None and isinstance(value, dict):
        return _read(value, plain)
    wanted = typing.get_origin(plain) or plain
    if wanted is float and type(value) is int:
        return float(value)
    if wanted in (bool, int, float, str, list, dict) and type(value) is not wanted:
        raise Failure(f"config: `{name}` is {json.dumps(value)}, but {wanted.__name__} is wanted")
    return value


def _has_default(hint: Any, name: str) -> bool:
    if dataclasses.is_dataclass(hint):
        field = next(field for field in dataclasses.fields(hint) if field.name == name)
        return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    return name in hint._field_defaults
