"""The clock, git and the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Page:
    """What a host answered: `url` after the redirects that were followed; `redirect` is one that was not (another host)."""

    url: str
    status: int
    content_type: str
    body: bytes
    redirect: str | None = None


class Web(Protocol):
    async def get(self, url: str, *, allow_private: bool) -> Page:
        """Fetch over http(s), with size, redirect and time limits; the address really connected to is checked.
        Raises ToolError."""
        ...


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Versions(Protocol):
    """git, asked without running anything the repository configures."""

    async def summary(self, folder: str) -> str:
        """Branch and short status for the environment block; "" where there is no repository."""
        ...

    async def ignores(self, path: str) -> bool:
        """Whether the repository leaves this file out; True where that cannot be told, False outside of any."""
        ...

    async def diff(self, folder: str, base: str = "HEAD", *, staged: bool = False) -> str:
        """The unified diff of the work tree, or of what is staged, against a revision; "" when nothing differs. Raises
        ClawError where there is no repository or no such revision, or when git fails or takes too long."""
        ...
