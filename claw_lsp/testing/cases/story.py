"""What the script of a case says, line by line, and the cursor that makes sure each line is used once and in order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from claw_lsp.facts.call import Block

Json = dict[str, Any]
Way = Literal["box", "command", "action"]

WORDLESS = ("nothing", "unknown", "error", "silent")
"""What can become of a message box without being an answer."""


class CaseError(Exception):
    """The case file cannot be read, or its story went another way than the script; the text names the line."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something the person does beside answering: `verb` and what stands behind it.

    `types {file: text}` · `saves` · `opens file` · `closes file` · `undoes file` · `writes {file: text}` (the disk,
    behind the editor) · `moves {file: where}` · `cancels` · `stops` · `steers words` · `refuses words` (the editor
    refuses edits from here on) · `keeps N`, `reverts N`, `applies N`, `dismisses N` (the hunk or proposal of that
    number, by its code action) · the same with `all` · `takes-back N` (what the prompt of that number changed).
    """

    verb: str
    given: str = ""

    def texts(self) -> dict[str, str]:
        """The files and texts of the verbs that take some."""
        return cast("dict[str, str]", json.loads(self.given))


@dataclass(frozen=True, slots=True)
class Said:
    """`user [action]: words`: a command of the person's. `arguments` are added to the command's."""

    line: int
    action: str
    words: str
    arguments: Json = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Spoken:
    """`model: words`: one reply. `acts` happen while it streams, `on_edit` when the next edit reaches the editor; `error`
    is (reason, text) where the provider fails."""

    line: int
    blocks: tuple[Block, ...]
    stop: str | None = None
    cut: bool = False
    error: tuple[str, str] | None = None
    acts: tuple[Act, ...] = ()
    on_edit: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """`human: yes`: what the person does about a question. `first` are acts before it, `on_edit` when the next edit
    reaches the editor; `words` are for the model."""

    line: int
    choice: str
    words: str = ""
    way: Way = "box"
    first: tuple[Act, ...] = ()
    on_edit: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Did:
    """`human: types {…}`: an act on its own, between turns or, with `when FILE`, once that file is there."""

    line: int
    act: Act
    when: str | None = None


Item = Said | Spoken | Answered | Did
ItemT = TypeVar("ItemT", Said, Spoken, Answered, Did)

VERBS = (
    "types",
    "saves",
    "opens",
    "closes",
    "undoes",
    "writes",
    "moves",
    "cancels",
    "stops",
    "steers",
    "refuses",
    "keeps",
    "reverts",
    "takes-back",
    "applies",
    "dismisses",
)


class Story:
    """The script's cursor. Invariant: an item is taken once, and only when it is the next one."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self._items = items
        self._at = 0

    @property
    def next(self) -> Item | None:
        return self._items[self._at] if self._at < len(self._items) else None

    def take(self, kind: type[ItemT], why: str) -> ItemT:
        """The next item, which must be of this kind. Raises CaseError."""
        item = self.next
        if not isinstance(item, kind):
            where = f"line {item.line} is no {_NAMES[kind]} line" if item else "the script is over"
            raise CaseError(f"{why}, but {where}")
        self._at += 1
        return item


def items(lines: list[tuple[int, str]]) -> tuple[Item, ...]:
    """The items of a script, from its lines and their numbers. Calls get the ids c1, c2 … in order. Raises CaseError."""
    found: list[Item] = []
    n_calls = 0
    for head, tail in _grouped(lines):
        number, text = head
        who, colon, rest = text.partition(":")
        rest = rest.strip()
        if not colon:
            raise CaseError(f"line {number}: expected 'user:', 'model:' or 'human:', found {text!r}")
        if who == "model":
            spoken = _spoken(number, rest, tail, n_calls)
            n_calls += sum(it["type"] == "tool_use" for it in spoken.blocks)
            found.append(spoken)
        elif who == "human":
            found.append(_human(number, rest, tail))
        elif action := re.fullmatch(r"user(?: \[(\w+)\])?", who):
            arguments: Json = {}
            for _, line in tail:
                arguments |= json.loads(line)
            found.append(Said(number, action[1] or "ask", rest, arguments))
        else:
            raise CaseError(f"line {number}: nobody is called {who!r}; expected user, model or human")
    return tuple(found)


def _grouped(lines: list[tuple[int, str]]) -> list[tuple[tuple[int, str], list[tuple[int, str]]]]:
    """Each line with the indented ones below it; blank lines are left out."""
    groups: list[tuple[tuple[int, str], list[tuple[int, str]]]] = []
    for number, text in lines:
        if not text.strip():
            continue
        if not text.startswith("  "):
            groups.append(((number, text), []))
        elif groups:
            groups[-1][1].append((number, text[2:]))
        else:
            raise CaseError(f"line {number}: an indented line needs one above it")
    return groups


def _spoken(number: int, words: str, tail: list[tuple[int, str]], n_calls: int) -> Spoken:
    blocks: list[Block] = []
    stop: str | None = None
    cut, error = False, None
    acts: list[Act] = []
    on_edit: list[Act] = []
    for at, line in tail:
        if line.startswith("| "):
            words = f"{words}\n{line[2:]}"
        elif call := re.fullmatch(r"(\w+) (\{.*\})", line) if line[:1].isupper() else None:
            n_calls += 1
            blocks.append({"type": "tool_use", "id": f"c{n_calls}", "name": call[1], "input": _json(at, call[2])})
        elif line.startswith("thinks: "):
            blocks.append({"type": "thinking", "thinking": line[8:], "signature": "signed"})
        elif line == "cut":
            cut = True
        elif line.startswith("stop: "):
            stop = line[6:]
        elif line.startswith("error "):
            reason, _, text = line[6:].partition(": ")
            error = (reason, text or f"The provider failed ({reason}).")
        elif line.startswith("on edit "):
            on_edit.append(_act(at, line[8:]))
        else:
            acts.append(_act(at, line))
    thinking = [it for it in blocks if it["type"] == "thinking"]
    text_blocks: list[Block] = [{"type": "text", "text": words}] if words else []
    calls = [it for it in blocks if it["type"] == "tool_use"]
    reason = None if cut else stop or ("tool_use" if calls else "end_turn")
    return Spoken(number, (*thinking, *text_blocks, *calls), reason, cut, error, tuple(acts), tuple(on_edit))


def _human(number: int, text: str, tail: list[tuple[int, str]]) -> Answered | Did:
    on_edit = tuple(_act(at, line[8:]) for at, line in tail if line.startswith("on edit "))
    first = tuple(_act(at, line) for at, line in tail if not line.startswith("on edit "))
    if text.split(" ")[0] in VERBS:
        rest, when, file = text.rpartition(" when ")
        if tail:
            raise CaseError(f"line {number}: {text!r} answers nothing, so nothing can stand below it")
        return Did(number, _act(number, rest if when else text), file if when else None)
    way: Way = "box"
    for suffix in ("command", "action"):
        if text.endswith(f" by {suffix}"):
            text, way = text.removesuffix(f" by {suffix}"), cast("Way", suffix)
    choice, comma, words = text.partition(", ")
    if comma and way == "box":
        way = "command"
    if choice.startswith("answer "):
        choice = choice.removeprefix("answer ")
    elif choice not in ("yes", "no", "session", "always", "saved", "shows", *WORDLESS):
        raise CaseError(f"line {number}: {choice!r} is no answer; for a title of the box write 'answer TITLE'")
    return Answered(number, choice, words, way, first, on_edit)


def _act(number: int, text: str) -> Act:
    verb, _, given = text.partition(" ")
    if verb not in VERBS:
        raise CaseError(f"line {number}: {verb!r} is nothing a person does here; expected one of {', '.join(VERBS)}")
    if verb in ("types", "writes", "moves"):
        _json(number, given)
    return Act(verb, given)


def _json(number: int, text: str) -> Json:
    try:
        return cast("Json", json.loads(text))
    except ValueError as error:
        raise CaseError(f"line {number}: this is no JSON object: {error}") from error


_NAMES: dict[type[Item], str] = {Said: "user", Spoken: "model", Answered: "human", Did: "human"}
