"""What of a run is shown and where: the transcript on stderr, and on stdout the text, one message or a stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol, TextIO

from claw_lsp.core import render
from claw_lsp.core.escape import visible
from claw_lsp.core.state import State
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, ModelSpoke, SessionStarted, TurnEnded
from claw_lsp.facts.signal import Retrying, Signal, Stalled
from claw_lsp.facts.usage import Usage
from claw_lsp.term import messages
from claw_lsp.term.messages import Message


class Screen(Protocol):
    """Where a run is shown. Nothing here is awaited: a pipe that is full holds the run up, as it does any program."""

    def begin(self, state: State, started: SessionStarted) -> None: ...
    def saw(self, entry: Entry) -> None: ...
    def heard(self, signal: Signal) -> None: ...
    def noted(self, text: str) -> None: ...
    def proposed(self, diff: str) -> None: ...
    def end(self, result: Message, ended: TurnEnded) -> None: ...


class TextScreen:
    """The transcript on stderr as it happens, the final text on stdout."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._context: tuple[Entry, ...] = ()
        """What the lines of later entries depend on: where the session stands, and which calls were denied."""

    def begin(self, state: State, started: SessionStarted) -> None:
        self._context = (Entry(n=1, at=0.0, event=started),)
        self._tell(f"session {state.session}")

    def saw(self, entry: Entry) -> None:
        n_before = len(list(render.lines(self._context)))
        for line in list(render.lines((*self._context, entry)))[n_before:]:
            self._tell(line)
        if isinstance(entry.event, CallJudged) and entry.event.decision == "deny":
            self._context = (*self._context, entry)

    def heard(self, signal: Signal) -> None:
        if isinstance(signal, Retrying):
            tries = f"{signal.attempt} of {signal.attempts}"
            self._tell(f"note    {signal.why}; asking again in {signal.wait:.0f} s ({tries})")
        elif isinstance(signal, Stalled):
            self._tell(f"note    nothing has arrived for {signal.seconds:.0f} s")

    def noted(self, text: str) -> None:
        self._tell(f"note    {text}")

    def proposed(self, diff: str) -> None:
        print(visible(diff) if self._out.isatty() else diff, file=self._out, end="", flush=True)

    def end(self, result: Message, ended: TurnEnded) -> None:
        seconds = result["duration_ms"] / 1000
        self._tell(f"used    {render.usage_line(sum(ended.usage.values(), Usage()), ended.cost, seconds)}")
        text = str(result["result"])
        if text:
            # A file gets the text as it is; on a terminal nothing in it may paint or hide.
            print(visible(text) if self._out.isatty() else text, file=self._out, flush=True)

    def _tell(self, line: str) -> None:
        print(visible(line), file=self._err, flush=True)


class JsonScreen:
    """One `result` message on stdout, nothing before it."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err

    def begin(self, state: State, started: SessionStarted) -> None:
        pass

    def saw(self, entry: Entry) -> None:
        pass

    def heard(self, signal: Signal) -> None:
        pass

    def noted(self, text: str) -> None:
        print(visible(text), file=self._err, flush=True)

    def proposed(self, diff: str) -> None:
        print(visible(diff), file=self._err, end="", flush=True)

    def end(self, result: Message, ended: TurnEnded) -> None:
        _write(self._out, result)


class StreamScreen:
    """Every reply, tool result and retry as a JSON object on a line of its own, the `result` last."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._session = ""

    def begin(self, state: State, started: SessionStarted) -> None:
        self._session = state.session
        _write(self._out, messages.init(state))

    def saw(self, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, ModelSpoke):
            _write(self._out, messages.assistant(self._session, event))
        elif isinstance(event, CallFinished):
            _write(self._out, messages.user(self._session, event.call_id, event.result))

    def heard(self, signal: Signal) -> None:
        if isinstance(signal, Retrying):
            _write(self._out, messages.api_retry(self._session, signal))

    def noted(self, text: str) -> None:
        print(visible(text), file=self._err, flush=True)

    def proposed(self, diff: str) -> None:
        print(visible(diff), file=self._err, end="", flush=True)

    def end(self, result: Message, ended: TurnEnded) -> None:
        _write(self._out, result)


FORMATS: dict[str, Callable[[TextIO, TextIO], Screen]] = {
    "text": TextScreen,
    "json": JsonScreen,
    "stream-json": StreamScreen,
}
"""By the names `--output-format` takes."""


def _write(out: TextIO, message: Message) -> None:
    # ASCII: half a surrogate pair from a broken file name is no JSON text otherwise.
    print(json.dumps(message, ensure_ascii=True), file=out, flush=True)
