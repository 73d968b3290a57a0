"""Server-sent events out of bytes, wherever the network cut them."""

from __future__ import annotations

from typing import Final


class EventReader:
    """Collects bytes and gives the data of every event that is whole; comments and other fields are left out.

    Text is decoded event by event, so a character cut in two never breaks.
    """

    def __init__(self) -> None:
        self._held = b""
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that these bytes complete, in order."""
        held = self._held + data
        if b"\r" in held:
            held = _one_newline(held)
        if (end := held.find(b"\n\n", self._searched)) < 0:
            self._held = held
            # The blank line may be cut in two, and a held-back carriage return may shrink: look at the last three again.
            self._searched = max(0, len(held) - 3)
            return []
        end = held.rfind(b"\n\n", end)
        self._held, self._searched = held[end + 2 :], 0
        return [it for event in held[:end].split(b"\n\n") if (it := _data(event))]

    def end(self) -> list[bytes]:
        """What is left at the end of the stream: an event is taken without its blank line, the reader judges if it is whole."""
        last, self._held, self._searched = _data(self._held.strip(b"\r\n")), b"", 0
        return [last] if last else []


def _one_newline(held: bytes) -> bytes:
    """CR LF and CR become LF; a CR at the very end waits for what follows it."""
    waiting = held.endswith(b"\r")
    body = held[:-1] if waiting else held
    return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + (b"\r" if waiting else b"")


def _data(event: bytes) -> bytes:
    return b"\n".join(line[5:].strip(b" ") for line in event.split(b"\n") if line.startswith(_DATA))


_DATA: Final = b"data:"
