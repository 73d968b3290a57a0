"""What stands on the disk, for as long as commands run, where something protected is missing; and its removal.

Several commands, also of several servers, may run in one workspace. Each holds a shared lock; what was made is listed in the
locked file, and whoever lets go last removes it, after a crash the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Generator, Sequence

from claw_lsp.adapters.sandbox.layout import Placeholder, absent


class Placeholders:
    """Those of one command. Blocks shortly: use it off the loop."""

    def __init__(self, folder: str, roots: Sequence[str]) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._path = f"{folder}/{hashlib.sha256('/'.join(sorted(roots)).encode()).hexdigest()[:24]}"
        self._users = _opened(f"{self._path}.users")

    def make(self, wanted: Sequence[Placeholder]) -> tuple[Placeholder, ...]:
        """Make those that are missing and hold them; answers all of ours that stand as they were made. What is somebody
        else's is left alone."""
        with _alone(self._path) as fd:
            fcntl.flock(self._users, fcntl.LOCK_SH)
            listed = _listed(fd)
            # Written first: a crash between the two leaves a name too many and nothing to remove.
            listed |= {it.path: it.text for it in wanted if not os.path.lexists(it.path)}
            _list(fd, listed)
            return tuple(it for it in wanted if it.path in listed and _stands(it))

    def leave(self) -> None:
        """Remove them, unless another command needs them or somebody wrote into them. To be called once."""
        with _alone(self._path) as fd:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for path, text in reversed(_listed(fd).items()):
                    _remove(Placeholder(path, text))
                _list(fd, {})
            os.close(self._users)


def _opened(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


@contextlib.contextmanager
def _alone(path: str) -> Generator[int]:
    """The list, held by nobody else: for an instant, never while a command runs."""
    fd = _opened(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def _listed(fd: int) -> dict[str, str | None]:
    text = os.pread(fd, 1 << 20, 0)
    try:
        return dict(json.loads(text)) if text else {}
    except ValueError:
        return {}


def _list(fd: int, paths: dict[str, str | None]) -> None:
    text = json.dumps(paths).encode()
    os.pwrite(fd, text, 0)
    os.ftruncate(fd, len(text))


def _stands(it: Placeholder) -> bool:
    try:
        if it.text is None:
            os.mkdir(it.path, 0o755)
        else:
            fd = os.open(it.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            os.write(fd, it.text.encode())
            os.close(fd)
    except FileExistsError:
        return absent(it)
    except OSError:
        # Where we cannot write, neither can the command.
        return False
    return True


def _remove(it: Placeholder) -> None:
    with contextlib.suppress(OSError):
        if it.text is None:
            os.rmdir(it.path)
        elif absent(it):
            os.unlink(it.path)
