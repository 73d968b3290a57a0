"""Copies of frozen values with some fields changed, where they are made by the ten thousand: `dataclasses.replace` reads
each field by name and runs `__init__`, which took most of the time in which a long session is folded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

ValueT = TypeVar("ValueT")
Put = Callable[[object, Any], None]


def replace(value: ValueT, **changes: Any) -> ValueT:
    """What `dataclasses.replace` makes of a value whose class has `slots`, two fields or more, and no `__post_init__`.
    Raises KeyError for a field that it does not have."""
    get, puts, by_name = _fields(type(value))
    new = object.__new__(type(value))
    for put, it in zip(puts, get(value), strict=True):
        put(new, it)
    for name, it in changes.items():
        by_name[name](new, it)
    return new


@cache
def _fields(kind: type[Any]) -> tuple[Callable[[object], tuple[Any, ...]], tuple[Put, ...], dict[str, Put]]:
    """How all fields are read at once, and how each is written: past what makes the value frozen, since it is new."""
    names = [it.name for it in fields(kind)]
    by_name: dict[str, Put] = {name: kind.__dict__[name].__set__ for name in names}
    return attrgetter(*names), tuple(by_name.values()), by_name
