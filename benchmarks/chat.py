"""How much work a long answer makes in its chat document: what one flush costs at the beginning and after a megabyte."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from claw_lsp.core.chat import marks, weave
from claw_lsp.core.chat.earlier import earlier
from claw_lsp.core.chat.marks import parse
from claw_lsp.core.chat.task import Offer
from claw_lsp.core.chat.writer import Asked, Writer
from claw_lsp.facts.signal import TextArrived
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffers, Changed, Happening, Piece

SIZE, FLUSH = 1_000_000, 400
"""Characters of the answer, and of what arrives between two edits of the document."""
LINE = "A line of the answer, as long as such lines are; in it é and 😀.\n"
URI = "file:///chat.md"


@dataclass(frozen=True, slots=True)
class Fluid:
    """Milliseconds of this process in one flush (the median of many) while the document is short, and when it holds all of the answer;
    and of one look at it for lenses and actions then."""

    short: float
    long: float
    look: float


def incremental() -> Fluid:
    """For a client that tells what it changed."""
    return _streamed(lambda piece, offer: piece)


def whole() -> Fluid:
    """For a client that sends the whole document each time."""
    return _streamed(lambda piece, offer: Piece(offer.expected))


def _streamed(told: Callable[[Piece, Offer], Piece]) -> Fluid:
    """Writer, weave, positions and buffer, as `lsp/chat` puts them together; the client is free of cost."""
    words = "go on"
    text = f"{marks.opening('k3y', 's')}{words}"
    buffers = Buffers("utf-16")
    state = weave.begun(text)
    buffers.open(URI, "markdown", 1, text)

    def hear(it: Happening) -> None:
        nonlocal state
        if isinstance(it, Changed):
            state = weave.took(state, it.edit or weave.TextEdit(0, len(it.before), it.after))

    buffers.watch(hear)
    state = weave.said(weave.marked(state, parse(text).end, words), Asked(words))
    writer = Writer("k3y")
    answer = LINE * (SIZE // len(LINE))
    took: list[float] = []
    for at in range(0, len(answer), FLUSH):
        began = time.process_time()
        for written in writer.heard(TextArrived(answer[at : at + FLUSH])):
            state = weave.put(state, str(written))
        while (made := weave.offer(state)) is not None:
            state, offer = made
            buffer = next(iter(buffers.all()))
            edit = to_lsp.text_edits(buffer.index, (offer.edit,), "utf-16")[0]
            start, end = ((it["line"], it["character"]) for it in (edit["range"]["start"], edit["range"]["end"]))
            buffers.change(URI, buffer.version + 1, (told(Piece(offer.new, start, end), offer),))
        took.append(1000 * (time.process_time() - began))
    began = time.process_time()
    parse(state.text)
    earlier(state.text, "k3y", writer.prompts)
    look = 1000 * (time.process_time() - began)
    n = len(took) // 10
    return Fluid(sorted(took[:n])[n // 2], sorted(took[-n:])[n // 2], look)
