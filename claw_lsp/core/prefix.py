"""What a new prefix of the prompt may be made of; `begun` and `back_to` in core/fold.py begin it, and nothing else does.

Within a prefix every request is the beginning of the next (core/prompt.py); the cache and the model's thinking hang on that.
What must change what was sent (another model, something dropped, a chat rewound, a compaction) has a fact of its own, whose
case in `core.fold.after` answers with one of the two; nothing else touches `State.messages` or `State.prefix`.

- *Something is dropped from what was sent*: `begun(state, replaced(state.messages, notes))`, with a note in place of each result, by the
  id of its call, and of other blocks, by where they stand (`place`). The call stays, so that the model knows that it was made.
- *The chat goes back to before a prompt*: `back_to(state, prompt_id)`.
- *Another model*: `begun(state, state.messages)`.

While a turn runs, a request may be under way: such a fact is then added to `State.waits`, and holds when the turn has ended.
Only what the loop itself does between two replies does not wait: a compaction, and a model that stands in for one that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from claw_lsp.core.blocks import PER_TOKEN, message, sendable, text_block
from claw_lsp.facts.call import Block
from claw_lsp.facts.offered import ToolSpec
from claw_lsp.facts.request import Message

LEFT_OUT = "[What was said before this is left out.]"


@dataclass(frozen=True, slots=True)
class Said:
    """What the person said, word for word, and what the model had been sent before it: the first `n_messages` of the prefix
    with that number, and `pending` of the message being gathered. `prompt_id` is "" for what was said while a turn ran.
    `instructed` are the files of instructions that it knew then, as in the state."""

    prompt_id: str
    text: str
    prefix: int
    n_messages: int
    pending: tuple[Block, ...] = ()
    instructed: Mapping[str, str] = field(default_factory=dict[str, str])


def place(m: int, b: int) -> str:
    """The name of a block by where it stands: `b` in the message `m` of a prefix; the one being gathered counts as the last."""
    return f"block:{m}.{b}"


def replaced(messages: Iterable[Message], notes: Mapping[str, str]) -> tuple[Message, ...]:
    """All messages of a prefix with a note in place of the results of these calls, and of the blocks at these places."""
    return tuple(
        {**it, "content": blocks} if (blocks := noted(it["content"], notes, m)) != it["content"] else it
        for m, it in enumerate(messages)
    )


def noted(blocks: tuple[Block, ...], notes: Mapping[str, str], m: int) -> tuple[Block, ...]:
    """The same for the blocks of the message `m`, such as the one being gathered."""
    return tuple(_noted(it, notes, place(m, b)) for b, it in enumerate(blocks)) if notes else blocks


def _noted(block: Block, notes: Mapping[str, str], at: str) -> Block:
    if (call := block.get("tool_use_id", "")) in notes:
        return {**block, "content": notes[call]}
    return text_block(notes[at]) if at in notes else block


def moved(said: Iterable[Said], prefixes: tuple[int, int], first: int, n_head: int) -> tuple[Said, ...]:
    """What was said, where it stands in a prefix that holds of another the messages from `first` on, behind so many others."""
    old, new = prefixes
    return tuple(
        replace(it, prefix=new, n_messages=it.n_messages - first + n_head)
        if it.prefix == old and it.n_messages >= first
        else it
        for it in said
    )


def fixed(system: str, tools: Iterable[ToolSpec]) -> int:
    """About how many tokens stand before every message: a deferred tool stands where it was found."""
    return int((len(system) + sum(len(it.model_dump_json()) for it in tools if not it.deferred)) / PER_TOKEN)


def answered(
    messages: tuple[Message, ...], pending: tuple[Block, ...], open_: frozenset[str]
) -> tuple[tuple[Message, ...], tuple[Block, ...]]:
    """What of these messages a request may hold: each call with its result in the message right behind."""
    contents = [*(it["content"] for it in messages), pending]
    for n, blocks in enumerate(contents):
        before = _calls(contents[n - 1]) if n else frozenset[str]()
        behind = _results(contents[n + 1]) if n + 1 < len(contents) else frozenset[str]()
        is_last = n == len(messages) - 1
        contents[n] = tuple(
            it
            for it in blocks
            if (it["type"] != "tool_result" or it["tool_use_id"] in before)
            and (it["type"] != "tool_use" or it["id"] in behind or (is_last and it["id"] in open_))
        )
    *kept, gathered = contents
    whole = (
        message(it["role"], sendable(blocks) if it["role"] == "assistant" else blocks)
        for it, blocks in zip(messages, kept, strict=True)
    )
    return tuple(it for it in whole if it["content"]), gathered


def _calls(blocks: Iterable[Block]) -> frozenset[str]:
    return frozenset(it["id"] for it in blocks if it["type"] == "tool_use")


def _results(blocks: Iterable[Block]) -> frozenset[str]:
    return frozenset(it["tool_use_id"] for it in blocks if it["type"] == "tool_result")
