"""Where logins to MCP servers are kept: the system's keyring where there is one, else a file only its owner can read."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from claw_lsp.adapters.settings.files import aside, locked, read_text, write_whole
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp import ServerConfig

SERVICE = "claw-lsp mcp"
FILE = "mcp-logins.json"


class Login(BaseModel):
    """One login, as the SDK's own values in JSON: the tokens and when they end (Unix seconds), who we are to the server, and
    what it said of itself. `refused` is how the server last asked for a login or for more than this one gives: the status and
    its words; `secret` that of a client id which was registered by hand."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tokens: dict[str, Any] | None = None
    ends: float | None = None
    client: dict[str, Any] | None = None
    issuer: dict[str, Any] | None = None
    resource: dict[str, Any] | None = None
    refused: tuple[int, str] | None = None
    secret: str | None = None


class Keyring(Protocol):
    """Secrets by name, where the system keeps them; one that is locked, or whose service is gone, is as good as none."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, secret: str) -> bool:
        """Whether it is kept now."""
        ...

    def remove(self, name: str) -> None: ...


class SystemKeyring:
    """The package keyring (an extra, decision 0017), which is imported with the first login that is looked for."""

    def get(self, name: str) -> str | None:
        return self._tried(lambda it: it.get_password(SERVICE, name))

    def put(self, name: str, secret: str) -> bool:
        # A desktop's keyring can refuse what is long, and some forget it or cut it off: only what can be read again is kept.
        self._tried(lambda it: it.set_password(SERVICE, name, secret))
        found = self.get(name)
        if found not in (None, secret):
            self.remove(name)
        return found == secret

    def remove(self, name: str) -> None:
        self._tried(lambda it: it.delete_password(SERVICE, name))

    def _tried(self, use: Callable[[Any], Any]) -> Any:
        try:
            keyring: Any = import_module("keyring")
            errors: Any = import_module("keyring.errors")
        except ImportError:
            return None
        try:
            return use(keyring) if keyring.get_keyring().priority > 0 else None
        except (errors.KeyringError, RuntimeError, OSError, ValueError):
            return None


class LoginStore:
    """Logins by server. Everything here blocks: call it in a thread.

    Invariant: a login belongs to a name and an address together; an entry that names another address finds none."""

    def __init__(self, claw_home: str, keyring: Keyring) -> None:
        self._home = Path(claw_home)
        self._keyring = keyring
        self._lock = Lock()

    def get(self, config: ServerConfig) -> Login | None:
        """What is kept for a server. Raises ClawError for a file that must not be used."""
        name = _key(config)
        # What stands in the file was written when the keyring did not take it, so it is the newer.
        kept = self._records().get(name) or self._keyring.get(name)
        if kept is None:
            return None
        try:
            return Login.model_validate_json(kept) if isinstance(kept, str) else Login.model_validate(kept)
        except ValidationError:
            return None

    def put(self, config: ServerConfig, login: Login) -> None:
        """Keep a login in place of the one before. Raises ClawError."""
        name, data = _key(config), login.model_dump(exclude_none=True)
        with self._lock:
            kept = self._keyring.put(name, json.dumps(data))
            if not kept or name in self._records():
                self._change(name, None if kept else data)

    def remove(self, config: ServerConfig) -> bool:
        """Whether there was a login, which is gone now. Raises ClawError."""
        name, before = _key(config), self.get(config)
        with self._lock:
            if self._keyring.get(name) is not None:
                self._keyring.remove(name)
            if name in self._records():
                self._change(name, None)
        return before is not None and before.tokens is not None

    def _records(self) -> dict[str, Any]:
        path = self._home / FILE
        text = read_text(path)
        if text is None:
            return {}
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ClawError(f"{path} can be read by others, so no login in it is used. Run: chmod 600 {path}")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return cast("dict[str, Any]", data) if isinstance(data, dict) else {}

    def _change(self, name: str, data: dict[str, Any] | None) -> None:
        path = self._home / FILE
        with locked(self._home, "mcp-logins.lock"):
            text = read_text(path)
            records = self._records()
            if text and text.strip() and not records and text.strip() != "{}":
                aside(path)
            kept = {key: it for key, it in records.items() if key != name}
            write_whole(path, json.dumps(kept | ({name: data} if data else {}), indent=2) + "\n", 0o600)


def _key(config: ServerConfig) -> str:
    return f"{config.name} {hashlib.sha256(config.url.encode()).hexdigest()[:16]}"
