"""What the workspace asks of the connection to the editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Editor(Protocol):
    """The client, as somebody who answers requests."""

    async def ask(self, method: str, params: dict[str, Any], *, timeout: float) -> Any:
        """The result, as JSON or structured. Raises ClientSilent or ClientRefused."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the workspace waits, in seconds.

    `answer`: for the client's answer to an edit; a person may be asked first. `grace`: for an answer once the edit is
    seen in the text. `echo`: for any change after an edit that is said to be applied. `opening`: for didOpen of a file
    that was not open. `saving`: for files to reach the disk. `look`: between two looks at the disk. `attempts`: how
    often an edit is sent that the person's typing gets in the way of.
    """

    answer: float = 60.0
    grace: float = 0.5
    echo: float = 5.0
    opening: float = 2.0
    saving: float = 5.0
    look: float = 0.1
    attempts: int = 5
