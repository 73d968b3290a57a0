"""What a command prints, made fit to read: cleaned of escapes as it streams, cut to head and tail, spilled to a file.

Standard library only: the supervisor imports this file without site-packages.
"""

from __future__ import annotations

import codecs
import os
import re
from collections import deque

KEPT = 30_000
"""Characters of output kept for the model when a command succeeds."""

KEPT_OF_FAILURE = 10_000
"""Characters kept when it fails."""

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-Z\\`-~]"  # two-character escapes
)
_BEGUN = re.compile(r"(?:\x1b|[\x90\x98\x9b\x9d-\x9f])[^\x07\x1b\x9c]*\x1b?$")
_OVERSTRUCK = re.compile(r"[^\n\x08]\x08")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST_LINE = 65_536
_LINE_LOOKED_FOR = 1_000
"""How far from where the middle is left out a line end is looked for."""


class Cleaner:
    """Bytes in, readable text out, whatever the reads cut in two: UTF-8, escapes and lines.

    A line that redraws itself with carriage returns comes out once, as it looked last. Binary lines come out as one
    remark with their size. Whole lines only come out before `end`, unless `flush` asks.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._binary = 0

    def feed(self, data: bytes) -> str:
        """The lines that are complete now."""
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            whole, newline, self._rest = whole + newline + self._rest, b"\n", b""
        if not newline:
            return ""
        plain = None if self._binary else _plain(whole)
        if plain is not None:
            return plain + "\n"
        return "".join(map(self._line, whole.split(b"\n")))

    @property
    def unfinished(self) -> str:
        """The line that is being written, as it looks now."""
        return "" if _is_binary(self._rest) else _cleaned(_decoded(self._rest))

    def flush(self) -> str:
        """The unfinished line as well, where it holds no escape that may go on."""
        if self._binary or not self._rest or _BEGUN.search(_decoded(self._rest)) or not _whole(self._rest):
            return ""
        text = self.unfinished
        self._rest = b""
        return text

    def end(self) -> str:
        """What is left at the end of the stream."""
        text = self._line(self._rest).removesuffix("\n") if self._rest else ""
        self._rest = b""
        return self._remark() + text

    def _line(self, line: bytes) -> str:
        strict = self._binary > 0
        if _is_binary(line) or (strict and not _is_plain(line)):
            self._binary += len(line) + 1
            return ""
        return self._remark() + _cleaned(_decoded(line)) + "\n"

    def _remark(self) -> str:
        if not self._binary:
            return ""
        remark = f"[binary output: {self._binary} bytes, not shown; redirect it to a file to keep it]\n"
        self._binary = 0
        return remark


class AsItCame:
    """Bytes in, their text out, for output that a program is to read: nothing is cleaned, and no line ends where it did not."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.unfinished = ""

    def feed(self, data: bytes) -> str:
        return self._decoder.decode(data)

    def flush(self) -> str:
        return ""

    def end(self) -> str:
        return self._decoder.decode(b"", final=True)


def _plain(lines: bytes) -> str | None:
    """The text of lines that hold nothing to clean: nearly all of them, so this must be fast."""
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _whole(line: bytes) -> bool:
    """Whether the bytes do not stop inside a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(line)
    return not decoder.getstate()[0]


def _cleaned(line: str) -> str:
    line = _ESCAPE.sub("", line) if "\x1b" in line or not line.isprintable() else line
    while "\x08" in line:
        line, n_struck = _OVERSTRUCK.subn("", line)
        if not n_struck:
            break
    if "\r" in line:
        drawn = [part for part in line.split("\r") if part]
        line = drawn[-1] if drawn else ""
    return _CONTROL.sub("", line)


def _is_binary(line: bytes) -> bool:
    if b"\0" in line:
        return True
    if line.isascii():
        return False
    n_bad = _decoded(line).count("�")
    return n_bad * 10 > len(line)


def _is_plain(line: bytes) -> bool:
    return len(line) >= 4 and line.isascii() and _cleaned(_decoded(line)).isprintable()


class Kept:
    """The head and the tail of a text that arrives in pieces, and all of it in a file once it is long.

    Invariant: the file exists exactly when `path` is set; it is opened with a name nobody else has, readable by its
    owner alone.
    """

    def __init__(self, path: str, *, at_once: bool = False) -> None:
        self._path = path
        self._file: int | None = None
        self._head: list[str] = []
        self._n_head = 0
        self._tail: deque[str] = deque()
        self._n_tail = 0
        self.n_total = 0
        if at_once:
            self._open()

    @property
    def path(self) -> str | None:
        return self._path if self._file is not None else None

    def add(self, text: str) -> None:
        if not text:
            return
        self.n_total += len(text)
        if self.n_total > KEPT and self._file is None:
            self._open()
        if self._file is not None:
            _write(self._file, text)
        room = max(0, KEPT - self._n_head)
        if room:
            self._head.append(text[:room])
            self._n_head += len(self._head[-1])
        self._tail.append(text[-KEPT:])
        self._n_tail += len(self._tail[-1])
        while self._n_tail - len(self._tail[0]) >= KEPT:
            self._n_tail -= len(self._tail.popleft())

    def cut(self, limit: int) -> str:
        """At most about `limit` characters: all of it, or head, a remark and tail, cut at line ends where there are any."""
        head = "".join(self._head)
        if self.n_total <= limit:
            return head
        if self._file is None:
            self._open()
        tail = "".join(self._tail)[-(limit // 2) :]
        head = head[: limit // 2]
        if (end := head.rfind("\n") + 1) > len(head) - _LINE_LOOKED_FOR:
            head = head[:end]
        if (begin := tail.find("\n") + 1) < _LINE_LOOKED_FOR:
            tail = tail[begin:]
        n_left_out = self.n_total - len(head) - len(tail)
        remark = f"[{n_left_out} characters left out here; the whole output is in {self._path}]"
        return f"{head}{'' if head.endswith(chr(10)) else chr(10)}{remark}\n{tail}"

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def _open(self) -> None:
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        _write(self._file, "".join(self._head))


def _write(file: int, text: str) -> None:
    data = memoryview(text.encode("utf-8", "replace"))
    while data:
        data = data[os.write(file, data) :]
