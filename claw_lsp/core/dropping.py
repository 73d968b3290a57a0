"""What is left of the messages when the person drops items from the window: a note stands where each of them stood.

An id says what an item is and which: `call:ID` the result of a call, `file:PATH` a file of instructions told at the beginning,
`block:M.B` another block, by its place, `turn:PROMPT_ID` what was done between
a prompt and its answer, `tool:NAME` a tool. What an id names that is not there is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from claw_lsp.core.blocks import message, text_block
from claw_lsp.core.prefix import Said, noted, place
from claw_lsp.facts.call import Block, calls_in
from claw_lsp.facts.request import Message

BY_HAND = "left out here: the person dropped it to save room"
_NOTE = f"[The result of this call was {BY_HAND}. Call it again if you need it.]"

Contents = list[tuple[Block, ...]]
"""What stands in each message, the one being gathered last."""

_FILE = re.compile(
    r"^(?P<path>\S[^\n]*) \((?P<whose>[^()\n]*)\):\n(?P<fence>`{3,})\n(?P<text>.*?)\n(?P=fence)$", re.M | re.S
)


@dataclass(frozen=True, slots=True)
class Told:
    """A file of instructions as it stands in the text that opens the conversation, from `start` to `end`."""

    path: str
    start: int
    end: int


def files_told(block: Block, known: Iterable[str]) -> Iterator[Told]:
    """Those of the known files that the block tells."""
    names = set(known)
    for it in _FILE.finditer(block.get("text", "")):
        if it["path"] in names:
            yield Told(it["path"], it.start(), it.end())


def without(
    messages: Sequence[Message],
    pending: tuple[Block, ...],
    said: Iterable[Said],
    items: Iterable[str],
    known: Iterable[str],
) -> tuple[tuple[Message, ...], tuple[Block, ...]]:
    """The messages, and the one being gathered, without these items. `said` is what the person said within this prefix,
    `known` are the files of instructions that were told."""
    wanted = frozenset(items)
    contents: Contents = [*(it["content"] for it in messages), pending]
    _drop_blocks(contents, wanted)
    _drop_files(contents, wanted, known)
    notes = {it.removeprefix("call:"): _NOTE for it in wanted if it.startswith("call:")}
    contents = [noted(it, notes, m) for m, it in enumerate(contents)]
    whole = [message(it["role"], blocks) for it, blocks in zip(messages, contents[:-1], strict=True)]
    return tuple(_without_turns(whole, tuple(said), wanted)), contents[-1]


def paths_read(messages: Iterable[Message], items: Iterable[str]) -> frozenset[str]:
    """The files whose text was the result of dropped calls: the model no longer knows them."""
    wanted = frozenset(items)
    calls = (it for one in messages for it in calls_in(one["content"]) if f"call:{it.id}" in wanted)
    paths = (it.input.get("file_path") for it in calls)
    return frozenset(it for it in paths if isinstance(it, str))


def _drop_blocks(contents: Contents, wanted: frozenset[str]) -> None:
    for m, blocks in enumerate(contents):
        if any(place(m, b) in wanted for b in range(len(blocks))):
            contents[m] = tuple(
                text_block(f"[Something was {BY_HAND}.]") if place(m, b) in wanted else it
                for b, it in enumerate(blocks)
            )


def _drop_files(contents: Contents, wanted: frozenset[str], known: Iterable[str]) -> None:
    paths = [it for it in known if f"file:{it}" in wanted]
    if not paths or not contents or not contents[0]:
        return
    first, *others = contents[0]
    text = first.get("text", "")
    for it in reversed(list(files_told(first, paths))):
        text = f"{text[: it.start]}[{it.path} was {BY_HAND}.]{text[it.end :]}"
    contents[0] = ({**first, "text": text}, *others)


def turns(messages: Sequence[Message], said: Iterable[Said]) -> Iterator[tuple[str, int, int]]:
    """The prompts for which more was done than said: each by its id, its message, and the first message behind the turn."""
    begins = [(it.n_messages, it.prompt_id) for it in said if it.prompt_id and it.n_messages < len(messages)]
    ends = [*(n for n, _ in begins), len(messages)][1:]
    for (start, prompt_id), end in zip(begins, ends, strict=True):
        if end - start > 2:
            yield prompt_id, start, end


def _without_turns(messages: list[Message], said: tuple[Said, ...], wanted: frozenset[str]) -> Iterator[Message]:
    """The prompt stays word for word, and the last words of the answer; what was done between them goes."""
    within: set[int] = set()
    closing: dict[int, Message] = {}
    for prompt_id, start, end in turns(messages, said):
        if f"turn:{prompt_id}" in wanted:
            within |= set(range(start + 1, end))
            closing[start] = _answer(messages[start + 1 : end])
    for n, it in enumerate(messages):
        if n not in within:
            yield it
        if n in closing:
            yield closing[n]


def _answer(done: Sequence[Message]) -> Message:
    note = text_block(f"[What I did here was {BY_HAND}.]")
    last = done[-1]
    words = tuple(it for it in last["content"] if it["type"] == "text") if last["role"] == "assistant" else ()
    return message("assistant", (note, *words))
