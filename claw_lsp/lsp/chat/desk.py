"""What the chat documents need of the rest of the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from claw_lsp.facts.event import Entry
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.transport.messages import RequestId

Slash = Callable[[str | None, str], Awaitable[str]]
"""(session, what stands behind the command) -> Markdown for the document. May raise ClawError."""


class Editor(Protocol):
    """The client."""

    async def ask(self, method: str, params: dict[str, Any], *, timeout: float | None) -> Any:
        """Raises ClientSilent or ClientRefused."""
        ...

    def notify(self, method: str, params: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `interval`: between two edits of one document. `answer`: for the client's answer to an edit; a person may
    be asked first. `echo`: for the text to show an edit that is said to be applied. `settling`: between a close and our
    writing the file. `flush`: how long a turn's end waits for its text to be in the document. `slow`: before a running
    call is shown. `quick`: for what a client answers by itself. `between_writes`: between two writes of a file that no editor holds."""

    interval: float = 0.1
    answer: float = 60.0
    echo: float = 5.0
    settling: float = 0.3
    flush: float = 5.0
    slow: float = 1.0
    between_writes: float = 1.0
    quick: float = 10.0


@dataclass(frozen=True, slots=True)
class Desk:
    """`entries` reads a session's log (raises LogError). `fresh` is a new session for the document at this path. `begin`
    starts a turn with these words in a session, or says them to the one that runs there, and answers what `claw.send`
    answers: `{session, run}`. `running` is the turn in flight of a session, `again` its last one if that ended and can be
    retried. `folders` are the open workspace folders; `configured` is the setting `chats.directory` in a folder; `save` has
    open files saved, where the client can; `now` is Unix seconds. `slash` are the commands of the prompt block,
    `about_session` the names of those about a session."""

    editor: Editor
    buffers: Buffers
    powers: Powers
    entries: Callable[[str], Awaitable[Sequence[Entry]]]
    fresh: Callable[[str], Awaitable[str]]
    begin: Callable[[str, str, RequestId | None], Awaitable[dict[str, Any]]]
    running: Callable[[str], str | None]
    again: Callable[[str], str | None]
    slash: Mapping[str, Slash]
    about_session: Collection[str]
    folders: Callable[[], Sequence[str]]
    configured: Callable[[str], Awaitable[str | None]]
    save: Callable[[tuple[str, ...]], Awaitable[object]]
    now: Callable[[], float]
    claw_home: str
    patience: Patience = Patience()
