"""The kept messages that belong to a session, now and as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from claw_lsp.facts.wire import WireMessage


class Growing:
    """A file of lines that somebody else goes on writing.

    Invariant: a line is given out once, and only when its end is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0

    def lines(self) -> list[bytes]:
        """What came since the last time; where the file was put aside meanwhile, the rest of it first. Raises OSError."""
        rest: list[bytes] = []
        if self.path.stat().st_size < self._at:
            with suppress(FileNotFoundError):
                rest = self._read(self.path.with_name(f"{self.path.name}.1"))
            self._at = 0
        return rest + self._read(self.path)

    def _read(self, path: Path) -> list[bytes]:
        with path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._at += whole
        return data[:whole].splitlines()


class WireLogs:
    """The messages of every connection in which a session was worked on, as often as they are asked for.

    Invariant: a message is given out once. Those that name another session are left out.
    """

    def __init__(self, root: Path, session: str) -> None:
        self._folder = root / "wire"
        self._session = session
        self._growing: dict[Path, Growing] = {}
        self._kept: dict[str, list[WireMessage]] = {}
        self._ours: set[str] = set()

    def new(self) -> list[WireMessage]:
        """What came since the last time, in the order of its time."""
        found: list[WireMessage] = []
        for path in self._paths():
            name = path.name.removesuffix(".1")
            waiting = self._kept.setdefault(name, [])
            waiting += _messages(self._growing.setdefault(path, Growing(path)))
            if any(it.session == self._session for it in waiting):
                self._ours.add(name)
            if name in self._ours:
                found += [it for it in waiting if it.session in ("", self._session)]
                waiting.clear()
        return sorted(found, key=lambda it: it.at)

    def _paths(self) -> list[Path]:
        """The older half of a connection that has one is only read at first: later it was read while it was the newer."""
        old = [] if self._growing else sorted(self._folder.glob("*.jsonl.1"))
        return [*old, *sorted(self._folder.glob("*.jsonl"))]


def _messages(growing: Growing) -> Iterator[WireMessage]:
    try:
        lines = growing.lines()
    except OSError:
        return
    for line in lines:
        try:
            yield WireMessage.model_validate_json(line)
        except ValidationError:
            continue
