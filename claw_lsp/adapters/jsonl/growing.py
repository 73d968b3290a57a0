"""A log that another process writes, read as it grows."""

from __future__ import annotations

from pathlib import Path

from claw_lsp.adapters.jsonl.reading import check_header, entries_in
from claw_lsp.facts.event import Entry


class GrowingLog:
    """Invariant: each entry is given out once, and a line only when its end is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._n_lines = 0

    def new(self) -> tuple[Entry, ...]:
        """The entries that came since the last time. Raises LogError for a log that is damaged, FileNotFoundError for one
        that is gone."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        start = 0
        if self._at == 0:
            start = data.find(b"\n") + 1
            if not start:
                return ()
            check_header(self._path, data[: start - 1])
            self._n_lines = 1
        entries, whole = entries_in(self._path, data, start, self._n_lines + 1)
        self._at += whole
        self._n_lines += len(entries)
        return entries
