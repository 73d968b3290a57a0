"""The file of one connection's messages, written by a thread so that nobody waits for it."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from claw_lsp.adapters.private import make_private
from claw_lsp.adapters.wire.digest import Digest, Direction

logger = logging.getLogger(__name__)

MOST = 8_000_000
"""Bytes of one file; there are two of a connection."""
MOST_KEPT = 20
"""Connections whose files are kept, with this one."""
MOST_WAITING = 32_000_000
"""Bytes that wait for the thread; what comes on top of them is only counted."""
PATIENCE = 0.5
"""Seconds that the end of the process waits for what was not written yet."""


class WireLog:
    """Fills `Hooks.tap`. The file is made with the first message; where it cannot be written there is none, and that is
    said once.

    Invariant: calling it never blocks and never raises.
    """

    def __init__(self, root: Path, now: Callable[[], float], known: Sequence[str] = (), most: int = MOST) -> None:
        self._folder = root / "wire"
        self._now = now
        self._digest = Digest(known)
        self._most = most
        self._waiting: SimpleQueue[tuple[float, Direction, bytes] | None] = SimpleQueue()
        self._n_lost = 0
        # Each is counted by one thread alone; the difference is what waits.
        self._n_heard = self._n_digested = 0
        self._broken = False
        self._size = 0
        began = datetime.fromtimestamp(now(), UTC).strftime("%Y%m%d-%H%M%S")
        self.path = self._folder / f"{began}-{os.getpid()}.jsonl"
        self._thread = threading.Thread(target=self._write_on, name="claw-wire-log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def __call__(self, to: Direction, body: bytes) -> None:
        if self._broken:
            return
        if self._n_heard - self._n_digested > MOST_WAITING:
            self._n_lost += 1
            return
        self._n_heard += len(body)
        self._waiting.put((self._now(), to, body))

    def close(self) -> None:
        """Write what waits, and no more."""
        atexit.unregister(self.close)
        self._waiting.put(None)
        self._thread.join(PATIENCE)

    def _write_on(self) -> None:
        try:
            make_private(self._folder)
            self._make_room()
            while (job := self._waiting.get()) is not None:
                self._n_digested += len(job[2])
                if kept := self._digest.of(*job):
                    lost, self._n_lost = self._n_lost, 0
                    self._append(kept.model_copy(update={"lost": lost}).model_dump_json(exclude_defaults=True))
        except OSError as error:
            logger.warning("The messages of this connection are not kept any more: %s", error)
        finally:
            self._broken = True

    def _append(self, line: str) -> None:
        data = line.encode("utf-8", "replace") + b"\n"
        if self._size + len(data) > self._most and self._size:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            self._size = 0
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
        self._size += len(data)

    def _make_room(self) -> None:
        """Only the latest connections are kept."""
        names = sorted(it.name for it in self._folder.glob("*.jsonl"))
        for name in names[: max(0, len(names) - MOST_KEPT + 1)]:
            for old in (self._folder / name, self._folder / f"{name}.1"):
                old.unlink(missing_ok=True)
