"""A program in a terminal with a person before it, by tmux: keys go in, what the screen shows comes out."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60.0


class Terminal:
    """Invariant: it has a tmux server of its own, which no configuration of a person's reaches."""

    def __init__(
        self, argv: Sequence[str], folder: Path, environment: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        self._name = f"claw-{uuid.uuid4().hex[:12]}"
        exported = ["env", "-i", *(f"{key}={it}" for key, it in environment.items()), *argv]
        columns, rows = map(str, size)
        self._tmux("new-session", "-d", "-x", columns, "-y", rows, "-c", str(folder), shlex.join(exported))

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names for them: `C-x`, `M-x`, `Enter`."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type this text as it stands."""
        self._tmux("send-keys", "-l", text)

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    async def shows(self, *texts: str, seconds: float = PATIENCE) -> str:
        """Wait until all of these are on the screen; answers it."""
        return await self._until(lambda it: all(text in it for text in texts), f"{texts} did not come", seconds)

    async def shows_one(self, *texts: str, seconds: float = PATIENCE) -> str:
        """Wait until one of these is on the screen; answers it."""
        return await self._until(lambda it: any(text in it for text in texts), f"none of {texts} came", seconds)

    async def hides(self, text: str, seconds: float = PATIENCE) -> str:
        """Wait until this is not on the screen; answers it."""
        return await self._until(lambda it: text not in it, f"{text!r} did not go", seconds)

    def close(self) -> None:
        self._tmux("kill-server", check=False)

    async def _until(self, true: Callable[[str], bool], otherwise: str, seconds: float) -> str:
        shown = ""
        try:
            async with asyncio.timeout(seconds):
                while not true(shown := self.screen):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{otherwise}; the screen is:\n{shown}") from None
        return shown

    def _tmux(self, *argv: str, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._name, "-f", "/dev/null", *argv], capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"tmux {' '.join(argv)[:200]}: {done.stderr}"
        return done.stdout


@contextmanager
def terminal(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], size: tuple[int, int] = (110, 34)
) -> Generator[Terminal, None, None]:
    """A terminal in which this program runs until the end of the block, with this environment and no other."""
    it = Terminal(argv, folder, environment, size)
    try:
        yield it
    finally:
        it.close()
