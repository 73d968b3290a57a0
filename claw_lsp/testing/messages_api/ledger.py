"""What the server remembers of the replies it gave, to notice thinking that was taken out and turns that were paused."""

from dataclasses import dataclass, field

from claw_lsp.testing.messages_api.prompt import extended
from claw_lsp.testing.messages_api.shapes import JsonObject


@dataclass(slots=True)
class Ledger:
    """The replies given, by the prefix each of them answered."""

    _before_call: dict[tuple[str, str], list[frozenset[str]]] = field(default_factory=dict)
    _paused: set[str] = field(default_factory=set[str])

    def note(self, prefix: str, blocks: list[JsonObject], *, paused: bool) -> None:
        """Remember a reply that answers the prefix of that name."""
        signatures: set[str] = set()
        end = prefix
        for block in blocks:
            end = extended(end, "assistant", block)
            if block["type"] == "thinking":
                signatures.add(block["signature"])
            elif block["type"] == "redacted_thinking":
                signatures.add(block["data"])
            elif block["type"] == "tool_use":
                self._before_call.setdefault((prefix, block["id"]), []).append(frozenset(signatures))
        if paused:
            self._paused.add(end)

    def thinking_kept(self, prefix: str, call_id: str, present: frozenset[str]) -> bool:
        """False if the call was made after thinking, in answer to this prefix, and the thinking is not all there."""
        known = self._before_call.get((prefix, call_id), [])
        return not known or any(it <= present for it in known)

    def was_paused(self, prefix: str) -> bool:
        """Whether a reply that ended in `pause_turn` led to exactly this prefix."""
        return prefix in self._paused
