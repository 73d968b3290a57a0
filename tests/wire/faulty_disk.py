"""A disk that fails, or a process that dies, at the n-th call that changes a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from claw_lsp.adapters.jsonl import Files


class Died(BaseException):
    """The process is gone: nothing after this line of it ran."""


class FaultyFiles(Files):
    """Counts every call; at number `at` (from 1) `fault` is raised, in a write after half of its bytes went through.

    With `stays` every later call fails as well. `open_now` are the descriptors a dead process would have left to the
    system, which closes them.
    """

    def __init__(self, at: int = 0, fault: BaseException | None = None, *, stays: bool = False) -> None:
        self.open_now: set[int] = set()
        self.arm(at, fault or full(), stays=stays)

    def arm(self, at: int, fault: BaseException, *, stays: bool = False) -> None:
        """From here on."""
        self.n_calls, self._at, self._fault, self._stays = 0, at, fault, stays

    def heal(self) -> None:
        self._at = 0

    def bury(self) -> None:
        """What the system does for a process that died."""
        for descriptor in self.open_now:
            os.close(descriptor)
        self.open_now.clear()

    def open(self, path: Path, flags: int) -> int:
        descriptor: int = self._call(lambda: super(FaultyFiles, self).open(path, flags))
        self.open_now.add(descriptor)
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        self._call(lambda: os.write(descriptor, data), lambda: os.write(descriptor, data[: len(data) // 2]))

    def sync(self, descriptor: int) -> None:
        self._call(lambda: super(FaultyFiles, self).sync(descriptor))

    def cut(self, descriptor: int, size: int) -> None:
        self._call(lambda: super(FaultyFiles, self).cut(descriptor, size))

    def close(self, descriptor: int) -> None:
        # A close of ours does not fail; a process may die before it.
        if isinstance(self._fault, Died):
            self._call(lambda: None)
        self.open_now.discard(descriptor)
        super().close(descriptor)

    def make_folder(self, path: Path) -> None:
        self._call(lambda: super(FaultyFiles, self).make_folder(path))

    def remove(self, path: Path) -> None:
        self._call(lambda: super(FaultyFiles, self).remove(path))

    def replace(self, old: Path, new: Path) -> None:
        self._call(lambda: super(FaultyFiles, self).replace(old, new))

    def _call(self, does: Callable[[], Any], instead: Callable[[], Any] = lambda: None) -> Any:
        self.n_calls += 1
        if self._at and (self.n_calls == self._at or (self._stays and self.n_calls > self._at)):
            instead()
            raise self._fault
        return does()


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only() -> OSError:
    return OSError(errno.EROFS, os.strerror(errno.EROFS))


def broken() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))
