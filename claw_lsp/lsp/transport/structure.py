"""Plain JSON into lsprotocol's values, strictly; and what does not fit, in words for the sender."""

from __future__ import annotations

import copy
import logging
import re
from typing import Any, cast

import cattrs
from cattrs.cols import homogenous_tuple_structure_factory, is_sequence
from cattrs.dispatch import StructureHook
from lsprotocol.converters import get_converter

logger = logging.getLogger(__name__)

MAX_MISFITS = 8


class _Misfit(TypeError):
    """A value of the wrong kind; the text says which was expected."""


def make_converter() -> cattrs.Converter:
    """lsprotocol's converter, but a string is a string: cattrs 26 turns 5 into "5", "no" into True, {"a": 1} into ["a"]."""
    converter = get_converter()
    converter.register_structure_hook(str, _exactly_str)
    converter.register_structure_hook(int, _exactly_int)
    converter.register_structure_hook(bool, _exactly_bool)
    converter.register_structure_hook_factory(is_sequence, _list_only)
    return converter


def what_does_not_fit(error: Exception, where: str) -> str:
    """At most three fields with what was expected there; no value of the sender's is repeated."""
    if isinstance(error, RecursionError):
        return f"{where}: nested too deeply"
    problems = [_in_words(line, where) for line in cattrs.transform_error(error, format_exception=_said)]
    return "; ".join(problems[:3]) or f"{where}: of the wrong shape"


def structure_what_fits(converter: cattrs.Converter, data: dict[str, Any], kind: Any) -> Any:
    """As `converter.structure`, but optional parts that do not fit are left out; raises for the others.

    For `initialize`: a client of next year, with a symbol kind that lsprotocol 2025 does not know, is still a client.
    """
    given = copy.deepcopy(data)
    for _ in range(MAX_MISFITS):
        try:
            return converter.structure(given, kind)
        except cattrs.ClassValidationError as error:
            for line in cattrs.transform_error(error):
                _leave_out(given, _spoken(line.rpartition(" @ $")[2]))
    return converter.structure(given, kind)


def _leave_out(data: dict[str, Any], path: str) -> None:
    """Remove the innermost field on `path` that is there; of a list, all of it."""
    holder, last = data, None
    for name in re.findall(r"[^.\[\]]+", path):
        inside = holder[last] if last is not None else holder
        if not isinstance(inside, dict) or name not in inside:
            break
        holder, last = cast("dict[str, Any]", inside), name
    if last is not None:
        logger.warning("the client's %s is not understood, and left out", path.lstrip("."))
        del holder[last]


def _list_only(kind: Any, converter: cattrs.BaseConverter) -> StructureHook:
    inner = homogenous_tuple_structure_factory(kind, converter)

    def structure(value: Any, kind: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise _Misfit("expected a list")
        return inner(value, kind)

    return structure


def _exactly_str(value: Any, _: type) -> str:
    if not isinstance(value, str):
        raise _Misfit("expected a string")
    return value


def _exactly_int(value: Any, _: type) -> int:
    # JSON knows one kind of number: clients written in Lua or Lisp may send 1 as 1.0.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Misfit("expected an integer")
    return value


def _exactly_bool(value: Any, _: type) -> bool:
    if not isinstance(value, bool):
        raise _Misfit("expected true or false")
    return value


def _said(error: BaseException, kind: type | None) -> str:
    if isinstance(error, KeyError):
        return "required field missing"
    if isinstance(error, _Misfit):
        return str(error)
    if isinstance(error, (TypeError, AttributeError)) and kind is not None:
        return f"expected {getattr(kind, '__name__', 'another shape')}"
    return "invalid value"


def _in_words(line: str, where: str) -> str:
    """cattrs says "problem @ $.text_document.uri"; we say "params.textDocument.uri: problem"."""
    problem, _, path = line.rpartition(" @ $")
    return f"{where}{_spoken(path)}: {problem}"


def _spoken(path: str) -> str:
    """A path of Python names with the names of the wire."""
    return re.sub(r"_([a-z])", lambda it: it.group(1).upper(), path)
