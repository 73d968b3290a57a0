"""The one credential, and where it is looked for: the environment, the keyring, a helper command of the person's own, a
file only its owner can read."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, cast

from claw_lsp.facts.fault import ModelError

Kind = Literal["api_key", "auth_token"]

WAYS: Final = (
    "Set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN) in the environment the editor starts claw-lsp with; "
    'or write {"api_key": "..."} to credentials.json in CLAW_HOME (~/.claw if not set) and make it readable by you alone (chmod 600); '
    "or store it in the system keyring under the service claw-lsp with the name anthropic; "
    "or name a command that prints it as apiKeyHelper in your own settings. "
    "For a local server or a gateway set ANTHROPIC_BASE_URL to its address."
)
"""The ways to give a key, in the words a person is told them."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A key or token. `source` says in a few words where it came from; after `lasts` seconds it is asked for again, None
    for one that stays.

    Invariant: the secret is in no repr, and can be sent in a header.
    """

    kind: Kind
    secret: str = field(repr=False)
    source: str = "the settings of the program"
    lasts: float | None = None

    def __post_init__(self) -> None:
        if not self.secret or not self.secret.isascii() or not self.secret.isprintable() or " " in self.secret:
            raise ModelError(
                f"The key from {self.source} is empty or holds a space or a character that no key has. Copy it again, whole and alone.",
                reason="no_key",
            )


def find(
    environment: Mapping[str, str],
    home: str,
    *,
    helper: str | None = None,
    from_keyring: Callable[[], str | None] | None = None,
) -> Credential | None:
    """The first credential there is, None where there is none. May block (keyring, disk, helper): call it in a thread.
    `helper` is a command from the person's own settings, never from a project's.

    Raises ModelError for one that is there and must not be used: a file that others can read, or a garbled key; and for a
    helper that gives none.
    """
    for variable, kind in _VARIABLES:
        if secret := environment.get(variable, "").strip():
            return Credential(kind, secret, variable)
    if secret := (from_keyring or keyring_secret)():
        return Credential("api_key", secret.strip(), "the system keyring")
    if helper:
        return from_helper(helper, environment)
    return from_file(file_of(environment, home))


def file_of(environment: Mapping[str, str], home: str) -> Path:
    """The credentials file, there or not."""
    folder = environment.get("CLAW_HOME", "").strip()
    return (Path(folder) if folder else Path(home) / ".claw") / "credentials.json"


def keyring_secret() -> str | None:
    """The secret in the system's keyring; None without the package, a real backend, or an entry."""
    try:
        keyring: Any = import_module("keyring")
        errors: Any = import_module("keyring.errors")
    except ImportError:
        return None
    try:
        if keyring.get_keyring().priority <= 0:
            return None
        return cast(str | None, keyring.get_password("claw-lsp", "anthropic"))
    except (errors.KeyringError, RuntimeError, OSError):
        # A keyring that is locked or whose desktop service is gone is as good as none.
        return None


def from_helper(command: str, environment: Mapping[str, str], seconds: float = 10.0) -> Credential:
    """What the person's own command prints, good for five minutes. Raises ModelError for one that fails, prints nothing or
    takes too long; what it printed is never repeated.

    It gets the whole environment: what fetches a key from a vault needs its own keys.
    """
    what = "The apiKeyHelper of your settings"
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ModelError(f"{what} cannot be started: {error.strerror}.", reason="no_key") from None
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise ModelError(
            f"{what} printed no key within {seconds:g} s. Try it in a terminal.", reason="no_key"
        ) from None
    if process.returncode != 0:
        code = process.returncode
        raise ModelError(f"{what} failed with exit code {code}. Try it in a terminal.", reason="no_key")
    return Credential("api_key", printed.decode("utf-8", "replace").strip(), "the apiKeyHelper of your settings", 300.0)


def from_file(path: Path) -> Credential | None:
    """The credential in a JSON file with `api_key` or `auth_token`; None where there is no file. Raises ModelError."""
    try:
        with path.open("rb") as file:
            _refuse_if_shared(path, os.fstat(file.fileno()))
            content: Any = json.loads(file.read(_MOST_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ModelError(f"The credentials file {path} cannot be read: {reason}.", reason="no_key") from None
    for kind in ("api_key", "auth_token"):
        secret = cast(dict[str, Any], content).get(kind) if isinstance(content, dict) else None
        if isinstance(secret, str) and secret.strip():
            return Credential(kind, secret.strip(), str(path))
    raise ModelError(f'The credentials file {path} must hold {{"api_key": "..."}}.', reason="no_key")


def _refuse_if_shared(path: Path, status: os.stat_result) -> None:
    if os.name != "posix":
        # Windows keeps the user's folder private by its access list; the mode bits say nothing there.
        return
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ModelError(
            f"The credentials file {path} can be read by others (mode {mode:04o}), so its key is not used. Run: chmod 600 {path}",
            reason="no_key",
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise ModelError(
            f"The credentials file {path} belongs to somebody else, so its key is not used.", reason="no_key"
        )


_VARIABLES: Final[tuple[tuple[str, Kind], ...]] = (
    ("ANTHROPIC_API_KEY", "api_key"),
    ("ANTHROPIC_AUTH_TOKEN", "auth_token"),
)
_MOST_BYTES: Final = 65_536
