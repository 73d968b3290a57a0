"""What is wrong in skills', agents' and plugins' files. Settings and MCP servers are examined by those who read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, cast

import yaml
from pydantic import BaseModel, ValidationError

from claw_lsp.core.files.handlers import found_in
from claw_lsp.core.files.json_tree import Node, name_of, read, spot
from claw_lsp.core.files.kinds import Kind
from claw_lsp.core.files.models import Agent, Marketplace, Plugin, Skill
from claw_lsp.core.files.place import FRONT
from claw_lsp.core.files.shapes import at
from claw_lsp.core.files.values import Meaning, meaning
from claw_lsp.core.json_edit import Keys
from claw_lsp.core.policy.rules import KNOWN, remark

_MODELS: dict[Kind, type[BaseModel]] = {"skill": Skill, "agent": Agent, "plugin": Plugin, "marketplace": Marketplace}
_MOST = 20


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is wrong from `start` to `end`, in code points; `meant` is what was probably wanted there instead."""

    start: int
    end: int
    message: str
    severity: Literal["error", "warning", "hint"] = "error"
    meant: str = ""


def check(kind: Kind, text: str) -> tuple[Flaw, ...]:
    """What is wrong in a text, in its order, at most 20; of settings and MCP servers only names that are nearly others."""
    match kind:
        case "settings" | "mcp":
            found = _misspelt(kind, text)
        case "skill" | "agent":
            found = _front(kind, text)
        case "plugin" | "marketplace" | "hooks":
            found = _json(kind, text)
    return tuple(sorted(set(found), key=lambda it: (it.start, it.end, it.message)))[:_MOST]


def _misspelt(kind: Kind, text: str) -> Iterator[Flaw]:
    """Names that are none of their object's and nearly one: others may be those of other programs that read the same file."""
    root = read(text)
    waiting: list[tuple[Keys, Node]] = [((), root)] if root else []
    while waiting:
        keys, node = waiting.pop()
        beside = {name_of(it): it.value.value if it.value else None for it in node.entries if it.key is not None}
        schemas = at(kind, keys, beside) if node.kind == "object" else ()
        known = {name for it in schemas for name in it.get("properties", ())}
        free = any(isinstance(it.get("additionalProperties"), dict) for it in schemas)
        for n, it in enumerate(node.entries):
            name = name_of(it)
            strange = it.key is not None and bool(known) and not free and name not in known
            alike = get_close_matches(name, known - beside.keys(), 1, 0.75) if strange else []
            if it.key is not None and alike:
                said = f"{name}: there is no such name here; did you mean {alike[0]}?"
                yield Flaw(it.key.start, it.key.end, said, "warning", json.dumps(alike[0]))
            if it.value is not None and it.value.entries:
                waiting.append(((*keys, name if it.key is not None else n), it.value))


def _json(kind: Kind, text: str) -> Iterator[Flaw]:
    try:
        data: Any = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        at_ = error.pos + text.startswith("\ufeff")
        yield Flaw(min(at_, len(text)), min(at_ + 1, len(text)), f"This is not valid JSON: {error.msg}.")
        return
    except (ValueError, RecursionError):
        yield Flaw(0, 0, "This JSON is nested too deep or holds a number too long.")
        return
    if not isinstance(data, dict):
        yield Flaw(0, len(text), "Expected an object {…}.")
        return
    root = read(text)
    for keys, message, severity, meant in _faults(kind, cast("dict[str, Any]", data)):
        start, end = spot(root, keys)
        yield Flaw(start, end, message, severity, json.dumps(meant) if meant else "")


def _front(kind: Kind, text: str) -> Iterator[Flaw]:
    found = FRONT.match(text)
    if found is None:
        if kind == "agent" or text.startswith("---"):
            yield Flaw(
                0, min(3, len(text)), "Expected, at the top, lines such as `description: …` between two lines of ---."
            )
        return
    shift = found.start("front")
    try:
        node: yaml.Node | None = yaml.SafeLoader(found["front"]).get_single_node()
        data: Any = yaml.safe_load(found["front"])
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        start = shift + (mark.index if mark else 0)
        why = error.problem or error.context or "it cannot be read"
        yield Flaw(min(start, len(text)), min(start + 1, len(text)), f"This is not valid YAML: {why}.")
        return
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        yield Flaw(shift, shift, f"This is not valid YAML: {error}.")
        return
    if data is None:
        data = {}
    if not isinstance(data, dict):
        yield Flaw(shift, found.end("front"), "Expected names with values, such as `description: …`.")
        return
    plain = {str(key): it for key, it in cast("dict[Any, Any]", data).items()}
    for keys, message, severity, meant in _faults(kind, plain):
        start, end = _yaml_spot(node, keys)
        yield Flaw(shift + start, shift + end, message, severity, meant)


_Fault = tuple[Keys, str, Literal["error", "warning", "hint"], str]


def _faults(kind: Kind, data: dict[str, Any]) -> Iterator[_Fault]:
    if (model := _MODELS.get(kind)) is not None:
        try:
            model.model_validate(data)
        except ValidationError as error:
            yield from _of_model(error, data)
    yield from _unknown(kind, data)
    if kind == "skill" and not str(data.get("description") or "").strip():
        yield (), "There is no description: the model cannot know when this skill is good.", "warning", ""
    yield from _of_texts(kind, data)
    if isinstance(data.get("hooks"), dict) or kind == "hooks":
        for it in found_in(data.get("hooks")):
            if it.remark:
                yield it.at, it.remark, "warning", ""


def _of_model(error: ValidationError, data: dict[str, Any]) -> Iterator[_Fault]:
    seen: set[Keys] = set()
    for fault in error.errors(include_url=False, include_context=False):
        keys = _leading(fault["loc"], data)
        if keys in seen:
            # The other choices of one place, each with what is wrong as seen from there.
            continue
        seen.add(keys)
        if fault["type"] == "missing":
            yield keys, f"There is no {fault['loc'][-1]}, which is needed.", "error", ""
            continue
        wrong = fault["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
        yield keys, f"{'.'.join(map(str, keys)) or 'this'}: {wrong[:1].lower()}{wrong[1:]}.", "error", ""


def _leading(loc: Iterable[str | int], data: Any) -> Keys:
    """The part of a fault's place that leads somewhere: names of choices stand among them."""
    keys: Keys = ()
    here: Any = data
    for it in loc:
        if isinstance(here, dict) and it in here:
            here = cast("dict[Any, Any]", here)[it]
        elif isinstance(here, list) and isinstance(it, int) and it < len(cast("list[Any]", here)):
            here = cast("list[Any]", here)[it]
        else:
            continue
        keys = (*keys, it)
    return keys


def _unknown(kind: Kind, data: dict[str, Any]) -> Iterator[_Fault]:
    known = {name for schema in at(kind, (), {}) for name in schema.get("properties", ())}
    for name in data:
        if name not in known and name != "$schema":
            alike = get_close_matches(name, known, 1)
            meant = f"; did you mean {alike[0]}?" if alike else ", and nothing is done with it."
            yield (name,), f"{name}: there is no such field here{meant}", "warning", alike[0] if alike else ""


def _of_texts(kind: Kind, data: dict[str, Any]) -> Iterator[_Fault]:
    """Rules and tools among the values at the top."""
    for name, value in data.items():
        found = meaning(kind, (name,))
        if found not in ("rule", "tool"):
            continue
        listed = isinstance(value, list)
        for n, it in enumerate(
            cast("list[Any]", value) if listed else split(str(value)) if isinstance(value, str) else ()
        ):
            if isinstance(it, str) and (why := _odd(found, it)):
                said = why if why.endswith("?") else f"{why}."
                yield ((name, n) if listed else (name,)), f"{it}: {said}", "warning", ""


def split(text: str) -> tuple[str, ...]:
    """The parts of a text with commas between them; one within parentheses is part of a rule."""
    parts, depth, start = list[str](), 0, 0
    for n, char in enumerate(text):
        depth = max(0, depth + (char == "(") - (char == ")"))
        if char == "," and not depth:
            parts.append(text[start:n])
            start = n + 1
    return tuple(it.strip() for it in (*parts, text[start:]) if it.strip())


def _odd(found: Meaning, text: str) -> str:
    tool = text.partition("(")[0].strip()
    if found == "rule":
        return remark(text, "allow")
    if tool in KNOWN or tool.startswith("mcp__") or tool == "*":
        return ""
    alike = get_close_matches(tool, KNOWN, 1)
    return f"there is no tool {tool}; did you mean {alike[0]}?" if alike else f"there is no tool {tool}"


def _yaml_spot(node: Any, keys: Keys) -> tuple[int, int]:
    """Where the name, or the entry of a list, is in the YAML, as far as the way leads."""
    found = (0, 0)
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pair = next((it for it in node.value if it[0].value == key), None)
            if pair is None:
                break
            name, node = pair
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            name = node = node.value[key]
        else:
            break
        found = (name.start_mark.index, name.end_mark.index)
    return found
