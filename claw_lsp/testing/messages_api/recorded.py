"""What the server remembers of each request."""

from dataclasses import dataclass
from typing import Any

from claw_lsp.testing.messages_api.prompt import blocks_of
from claw_lsp.testing.messages_api.shapes import JsonObject


@dataclass(slots=True)
class Recorded:
    """One request and how it went. Times are those of time.monotonic().

    Invariant: `finished` is None until the last byte of the response was written, and stays None where it never was;
    `usage` is None where nothing was answered.
    """

    number: int
    path: str
    headers: dict[str, str]
    body: JsonObject
    n_bytes: int
    arrived: float
    finished: float | None = None
    status: int | None = None
    refusal: str | None = None
    usage: JsonObject | None = None
    abandoned: bool = False

    @property
    def last_user_text(self) -> str:
        """The text of the last user message, tool results apart."""
        return "\n".join(it["text"] for it in self._last_user() if it.get("type") == "text")

    @property
    def tool_results(self) -> str:
        """The text of the tool results in the last user message."""
        results = [it for it in self._last_user() if it.get("type") == "tool_result"]
        return "\n".join(_text(it.get("content")) for it in results)

    @property
    def system_text(self) -> str:
        return _text(self.body.get("system"))

    @property
    def tool_names(self) -> list[str]:
        return [it["name"] for it in self._listed("tools")]

    def _last_user(self) -> list[JsonObject]:
        of_user = [it for it in self._listed("messages") if it.get("role") == "user"]
        return blocks_of(of_user[-1]["content"]) if of_user else []

    def _listed(self, field: str) -> list[JsonObject]:
        return self.body.get(field) or []


def _text(content: Any) -> str:
    return "\n".join(it["text"] for it in blocks_of(content) if it.get("type") == "text")
