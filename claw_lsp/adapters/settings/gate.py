"""Settings files that changed, while hooks are asked whether the change may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from claw_lsp.facts.settings import Change

POLICY = "managed"
_GATED = {"user": "user_settings", "project": "project_settings", "local": "local_settings", POLICY: "policy_settings"}
"""The sources whose changes hooks hear of, as they call them."""


@dataclass(slots=True)
class Gate:
    """Fills the port ChangeGate. Where a folder's settings have hooks for it, a changed file is read as it was until somebody
    admits the change; what is managed counts at once all the same.

    Invariant: with no such hooks nothing ever waits.
    """

    _guarded: dict[str, bool] = field(default_factory=dict[str, bool])
    _admitted: dict[str, str | None] = field(default_factory=dict[str, str | None])
    _waiting: dict[str, Change] = field(default_factory=dict[str, Change])
    _refused: dict[str, Change] = field(default_factory=dict[str, Change])
    _lock: Lock = field(default_factory=Lock)

    @property
    def guarded(self) -> bool:
        return any(self._guarded.values())

    def waiting(self) -> tuple[Change, ...]:
        with self._lock:
            return tuple(self._waiting.values())

    def admit(self, change: Change) -> None:
        with self._lock:
            self._admitted[change.path] = change.text
            self._settled(change)

    def refuse(self, change: Change) -> None:
        with self._lock:
            self._refused[change.path] = change
            self._settled(change)

    def guard(self, folder: str, *, hooked: bool) -> None:
        """Whether the settings of a folder, as they are in force, have hooks that want to be asked."""
        with self._lock:
            self._guarded[folder] = hooked

    def passed(self, path: str, source: str, text: str | None) -> str | None:
        """The text that counts of a file that was read, None for a file that is not there."""
        if source not in _GATED:
            return text
        with self._lock:
            before = self._admitted.setdefault(path, text)
            if text == before:
                self._waiting.pop(path, None)
                self._refused.pop(path, None)
                return text
            change = Change(path, _GATED[source], text)
            if self.guarded and self._refused.get(path) != change:
                self._waiting[path] = change
                self._refused.pop(path, None)
            if self.guarded and source != POLICY:
                return before
            self._admitted[path] = text
            return text

    def _settled(self, change: Change) -> None:
        """Another change of the same file, which came meanwhile, waits on."""
        if self._waiting.get(change.path) == change:
            del self._waiting[change.path]
