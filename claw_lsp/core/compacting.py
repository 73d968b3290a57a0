"""What a compaction leaves: which of the last messages stay whole, which results give way to a note, what opens the new prefix.

Nothing here is written by the model but the summary: the person's words, the tasks and the changed files come from the state
and the log. docs/decisions says why this is ours and not the provider's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from claw_lsp.core.blocks import PER_TOKEN, rough, text_block
from claw_lsp.core.briefing import fenced
from claw_lsp.core.fold import begun
from claw_lsp.core.prefix import Said, noted, place, replaced
from claw_lsp.core.render import call_title
from claw_lsp.core.state import State
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Block, Call, Task, TaskState, calls_in
from claw_lsp.facts.event import CallFinished, Event, Instructed, UserSpoke
from claw_lsp.facts.request import Message
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.usage import ModelFacts

FULL = 0.8
"""The share of the model's window at which a session is compacted."""
WORDS, FILES, TAIL, SUMMARY = 0.25, 0.15, 0.2, 0.15
"""Shares of that, at most: for the person's words, for files attached again, for what stays whole, for the summary."""
MOST_WORDS, LONGEST_WORDS, LEAST_WORDS = 60_000, 12_000, 4_000
"""Characters of everything the person said, and of one prompt, that stay word for word; in the smallest window, too."""
MOST_FILES, LONGEST_FILE = 5, 20_000
"""Files that are attached again, and characters of one of them."""
LARGE = 2_000
"""Characters of a result that is worth a note in its place."""
IMAGE_GONE = "[The image that stood here is left out to save room. Read its file again, or ask for it, if you need it.]"
ENOUGH = 0.6
"""What leaving old results out must come down to, as a share of where compaction begins; else it would be too soon again."""


def threshold(facts: ModelFacts, settings: Settings) -> int:
    """At how many tokens a session is compacted: before the window is full, or what the person calls their window; a whole
    reply still fits behind it."""
    most = min(facts.context, settings.compact_window or facts.context)
    reply = min(settings.max_output_tokens, facts.max_output)
    return int(max(most * FULL / 2, min(most * FULL, most - reply)))


def by_itself(facts: ModelFacts, settings: Settings) -> int | None:
    """The same for a turn: None where sessions are compacted only if the person says so."""
    return threshold(facts, settings) if settings.auto_compact else None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a new prefix begins with beside the summary. `edited` are the paths that the session changed, `files` the texts
    that were read anew, as blocks."""

    context: str
    edited: tuple[str, ...] = ()
    files: tuple[Block, ...] = ()


def asking(state: State, prompt: str, focus: str) -> State:
    """The state with the request for a summary as its last words: what is sent begins as the last request did."""
    words = f"The person asks to keep in particular what concerns this: {focus}" if focus else ""
    return replace(state, pending=(*state.pending, text_block(prompt.replace("{focus}", words).strip())))


def shorter(state: State) -> tuple[State, ...]:
    """States to ask for a summary where the whole is too long: without large results, then without the older half, too."""
    n_messages = len(state.messages)
    notes = notes_for(state, n_messages) | notes_in(state.pending, state)
    trimmed = begun(state, replaced(state.messages, notes), noted(state.pending, notes, n_messages))
    half = begun(trimmed, trimmed.messages[len(trimmed.messages) // 2 :])
    return trimmed, half


def first_kept(state: State, room: int) -> int:
    """The index of the first message that stays whole: the last turns that fit, else the last replies that do; always what
    the message being gathered answers."""
    sizes = [rough(it["content"]) for it in state.messages]
    fits = len(sizes)
    left = room * TAIL - rough(state.pending)
    while fits > 1 and (left := left - sizes[fits - 1]) >= 0:
        fits -= 1
    prompts = [it.n_messages for it in state.said if it.prefix == state.prefix and it.prompt_id]
    begins = next((it for it in prompts if it >= max(fits, 1)), None)
    if begins is not None and begins < len(sizes):
        return begins
    replies = [n for n, it in enumerate(state.messages) if it["role"] == "assistant"]
    needed = replies[-1] if replies and _answers(state.pending) else len(sizes)
    return min(needed, next((it for it in replies if it >= max(fits, 1)), len(sizes)))


def notes_for(state: State, until: int) -> dict[str, str]:
    """Notes in place of the large results in the messages before that index, by call, and of the images, by place."""
    before = state.messages[:until]
    images = {
        place(m, b): IMAGE_GONE
        for m, it in enumerate(before)
        for b, block in enumerate(it["content"])
        if block["type"] == "image"
    }
    return notes_in((block for it in before for block in it["content"]), state) | images


def notes_in(blocks: Iterable[Block], state: State) -> dict[str, str]:
    """Notes in place of those of these blocks that are large results. Each says what was there and how to see it again."""
    large = [it for it in blocks if it["type"] == "tool_result" and rough((it,)) * PER_TOKEN > LARGE]
    if not large:
        return {}
    calls = {it.id: it for one in state.messages for it in calls_in(one["content"])}
    return {it["tool_use_id"]: _note(calls.get(it["tool_use_id"]), it, state.cwd) for it in large}


def _note(call: Call | None, block: Block, cwd: str) -> str:
    what = call_title(call, cwd) if call is not None else "a call"
    size = int(rough((block,)))
    return f"[The result of {what}, about {size} tokens, is left out here to save room. Call it again if you need it.]"


def enough(state: State, notes: Mapping[str, str], room: int) -> bool:
    """Whether leaving these results out makes room for long enough."""
    contents = (*(it["content"] for it in state.messages), state.pending)
    freed = sum(
        rough((it,))
        for m, blocks in enumerate(contents)
        for b, it in enumerate(blocks)
        if it.get("tool_use_id") in notes or place(m, b) in notes
    )
    freed -= len(notes) * 40
    return bool(notes) and max(state.filled, room) - freed <= room * ENOUGH


def head(state: State, kept: Kept, summary: str, room: int, first: int) -> tuple[Block, ...]:
    """The message that opens the new prefix."""
    said = [it for it in state.said if it.text.strip() and (it.prefix != state.prefix or it.n_messages < first)]
    parts = [
        "This session was made shorter here; you are the agent who worked in it. What the person said, the tasks and the names"
        " of files come from its log. The notes are your own.",
        _words(said, max(LEAST_WORDS, min(MOST_WORDS, int(room * WORDS * PER_TOKEN)))),
        f"# Your notes\n{shortened(summary.strip(), max(400, int(room * SUMMARY * PER_TOKEN)))}",
        _tasks(state.tasks),
        _listed("Files that this session changed", kept.edited),
    ]
    blocks = [*([text_block(kept.context)] if kept.context else []), text_block("\n\n".join(filter(None, parts)))]
    if kept.files:
        blocks += [text_block("Files that you read lately, as they are now, as data:"), *kept.files]
    return tuple(blocks)


def _words(said: Sequence[Said], most: int) -> str:
    """Everything, word for word, as far as it fits: the first prompt always, then the newest; what is not there is counted."""
    texts = [shortened(it.text.strip(), min(LONGEST_WORDS, most)) for it in said]
    if not texts:
        return ""
    size, since = len(texts[0]), len(texts)
    while since > 1 and size + len(texts[since - 1]) <= most:
        since -= 1
        size += len(texts[since])
    left = since - 1
    gap = [f"[{counted(left, 'message')} between are left out for their length; the log has them.]"] if left else []
    shown = [fenced(texts[0]), *gap, *(fenced(it) for it in texts[since:])]
    return "\n\n".join(["# What the person said so far, word for word, the oldest first", *shown])


def shortened(text: str, most: int) -> str:
    """The text, without its middle where it is longer."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters are left out here; the log has them …]\n{text[-half:]}"


def _tasks(tasks: Sequence[Task]) -> str:
    open_ = [it for it in tasks if it.status is not TaskState.COMPLETED]
    if not open_:
        return ""
    lines = [
        f"- #{it.id} [{it.status.value}] {it.subject}{f': {it.description}' if it.description else ''}" for it in open_
    ]
    done = len(tasks) - len(open_)
    return "\n".join(["# The task list, as it stands", *lines, *([f"- {done} more are completed"] if done else [])])


def _listed(title: str, paths: Sequence[str]) -> str:
    return "\n".join([f"# {title}", *(f"- {it}" for it in paths)]) if paths else ""


def edited(events: Iterable[Event]) -> tuple[str, ...]:
    """The paths that calls changed, in the order of the last change."""
    paths: dict[str, None] = {}
    for event in events:
        for it in event.result.edited if isinstance(event, CallFinished) else ():
            paths.pop(it.path, None)
            paths[it.path] = None
    return tuple(paths)


def read_lately(events: Sequence[Event], state: State, first: int) -> tuple[str, ...]:
    """The files that the model knew last, the newest first, but for those that it still sees."""
    seen: dict[str, None] = {}
    for event in reversed(events):
        found = (
            event.result.seen if isinstance(event, CallFinished) else event.seen if isinstance(event, UserSpoke) else {}
        )
        seen.update(dict.fromkeys(found))
    still = _named(state.messages[first:])
    return tuple(it for it in seen if it in state.seen and it not in still)[:MOST_FILES]


def still_known(state: State, first: int) -> dict[str, str]:
    """What the model knows of files by the messages that stay."""
    named = _named(state.messages[first:])
    return {path: digest for path, digest in state.seen.items() if path in named}


def still_instructed(events: Iterable[Event], state: State, first: int) -> dict[str, str]:
    """The files of instructions that were told in the messages that stay, by the digest of what was told last."""
    told = {it["text"] for one in state.messages[first:] for it in one["content"] if it["type"] == "text"}
    told |= {it["text"] for it in state.pending if it["type"] == "text"}
    last = {it.path: it for it in events if isinstance(it, Instructed)}
    return {path: it.digest for path, it in last.items() if it.text in told and not it.gone}


def _named(messages: Iterable[Message]) -> frozenset[str]:
    """The files that the calls in these messages name."""
    calls = (call for it in messages for call in calls_in(it["content"]))
    values = (call.input.get(key) for call in calls for key in ("file_path", "notebook_path"))
    return frozenset(it for it in values if isinstance(it, str))


def _answers(blocks: Iterable[Block]) -> bool:
    return any(it["type"] == "tool_result" for it in blocks)
