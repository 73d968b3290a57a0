"""Where *Always allow* is written: the folder's local settings, and our own record that the person did it here.

A local settings file alone proves nothing, since a repository can bring one; a rule counts when it stands in both.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from threading import Lock
from typing import Any, cast

from claw_lsp.adapters.settings.files import aside, locked, read_text, write_whole
from claw_lsp.core import rule_edit
from claw_lsp.core.redaction import secret_in
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.rule import Behavior, Kept

_IGNORED = ("chats/", "settings.local.json")


class RuleMemory:
    """Fills the port Memory. `claw_home` is the person's own folder for claw-lsp."""

    def __init__(self, claw_home: str) -> None:
        self._claw_home = Path(claw_home)
        self._lock = Lock()

    async def add_rules(
        self, folder: str, rules: tuple[str, ...], behavior: Behavior = "allow", kept: Kept = "local"
    ) -> str:
        """Add rules to a settings file, in one write, and those that allow in the folder's `.claw/settings.local.json` to our
        record; answers the file's path.

        Raises ClawError for a rule that holds a secret, and for files that cannot be read or written; then no rule is in
        force after this session.
        """
        return await asyncio.to_thread(self._add, Path(folder), tuple(it.strip() for it in rules), behavior, kept)

    def file(self, folder: str, kept: Kept) -> str:
        if kept == "user":
            return str(self._claw_home / "settings.json")
        return str(Path(folder) / ".claw" / ("settings.json" if kept == "project" else "settings.local.json"))

    async def change_rule(self, file: str, behavior: Behavior, rule: str, to: Behavior | None) -> None:
        """Change one rule of a settings file on disk, and our record with it. Raises ClawError, and then nothing changed."""
        await asyncio.to_thread(self._change, Path(file), behavior, rule, to)

    async def keep_in_step(self, file: str, rule: str, to: Behavior | None) -> None:
        await asyncio.to_thread(self._keep_in_step, Path(file), rule, to)

    def _change(self, file: Path, behavior: Behavior, rule: str, to: Behavior | None) -> None:
        # A settings file of the person's may be a link into a folder of theirs; it stays one.
        path = Path(os.path.realpath(file))
        text = read_text(path)
        if text is None:
            raise ClawError(f"{file} is not there any more; nothing was changed.")
        write_whole(path, rule_edit.changed(text, behavior, rule, to), _mode_of(path))
        self._keep_in_step(file, rule, to)

    def _keep_in_step(self, file: Path, rule: str, to: Behavior | None) -> None:
        if file.parts[-2:] != (".claw", "settings.local.json"):
            return
        folder = os.path.realpath(file.parent.parent)
        with self._lock, locked(self._claw_home, "allowed.lock"):
            if to == "allow":
                _record(self._claw_home / "allowed.json", folder, (rule,))
            else:
                _forget(self._claw_home / "allowed.json", folder, rule)

    def _add(self, folder: Path, rules: tuple[str, ...], behavior: Behavior, kept: Kept) -> str:
        for rule in rules:
            _refuse_unfit(rule)
        path, inside = Path(self.file(str(folder), kept)), folder / ".claw"
        if kept != "user" and os.path.realpath(inside) != os.path.realpath(folder) + os.sep + ".claw":
            raise ClawError(f"{inside} leads to another place, so no rule is written there. Make it a plain folder.")
        with self._lock, locked(self._claw_home, "allowed.lock"):
            # A settings file of the person's may be a link into a folder of theirs; it stays one.
            target = Path(os.path.realpath(path)) if kept == "user" else path
            settings = _with_rules(target, rules, behavior)
            if settings is not None:
                write_whole(target, settings, _mode_of(target))
            if kept == "local":
                _ignore_local(inside / ".gitignore")
            if kept == "local" and behavior == "allow":
                _record(self._claw_home / "allowed.json", os.path.realpath(folder), rules)
        return str(path)


def allowed_here(claw_home: Path, folder: str) -> frozenset[str]:
    """The rules that the person always allowed in this folder, by our record. Raises ClawError for a broken record."""
    return frozenset(_records(claw_home / "allowed.json").get(os.path.realpath(folder), ()))


def _refuse_unfit(rule: str) -> None:
    if not rule or not rule.isprintable():
        raise ClawError("A rule to remember must be one line of plain text; this one is allowed only this time.")
    if kind := secret_in(rule):
        raise ClawError(
            f"The rule holds what looks like {kind}, and a settings file is no place for it; nothing was written."
            " Allow the call once, or write a rule without it by hand."
        )


def _with_rules(path: Path, rules: tuple[str, ...], behavior: Behavior) -> str | None:
    """The file's new text with its other keys, their order and its indentation kept; None when the rules are there."""
    text = read_text(path)
    settings = _parsed(path, text) if text and text.strip() else {}
    permissions: Any = settings.setdefault("permissions", {})
    there: Any = cast("dict[str, Any]", permissions).setdefault(behavior, []) if isinstance(permissions, dict) else None
    if not isinstance(there, list):
        raise ClawError(f"{path}: expected permissions.{behavior} to be a list of rules; mend it, then answer again.")
    new = [it for it in rules if it not in there]
    if not new:
        return None
    cast("list[Any]", there).extend(new)
    indent = re.search(r'\n([ \t]+)"', text or "")
    return json.dumps(settings, indent=indent.group(1) if indent else 2, ensure_ascii=False) + "\n"


def _parsed(path: Path, text: str) -> dict[str, Any]:
    """Raises ClawError for what is no object, and for a name written twice, of which one would be lost."""
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ClawError(
            f"{path}, line {error.lineno}, is not valid JSON ({error.msg}); nothing was written. Mend it, then allow again."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ClawError(f"{path} cannot be kept as it is ({error}); nothing was written. Mend it first.") from error
    if not isinstance(data, dict):
        raise ClawError(f"{path}: expected one JSON object; nothing was written. Mend it, then allow again.")
    return cast("dict[str, Any]", data)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _ignore_local(path: Path) -> None:
    """What is the person's alone stays out of git. An existing file is only added to; one that is a link is left alone."""
    if path.is_symlink():
        return
    text = read_text(path) or ""
    lines = {line.strip() for line in text.splitlines()}
    missing = [line for line in _IGNORED if line not in lines]
    if missing:
        kept = text if not text or text.endswith("\n") else text + "\n"
        write_whole(path, kept + "".join(f"{line}\n" for line in missing), _mode_of(path, new=0o644))


def _records(path: Path) -> dict[str, list[str]]:
    """Raises ClawError when the file is not what we write: folders with lists of rules."""
    text = read_text(path)
    if text is None or not text.strip():
        return {}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    folders = cast("dict[str, Any]", data) if isinstance(data, dict) else {"": None}
    for rules in folders.values():
        if not isinstance(rules, list) or not all(isinstance(it, str) for it in cast("list[Any]", rules)):
            raise ClawError(
                "Expected an object of folders, each with a list of rules. Until it is mended or removed, rules that"
                " were always allowed ask again."
            )
    return cast("dict[str, list[str]]", folders)


def _record(path: Path, folder: str, rules: tuple[str, ...]) -> None:
    """Add the rules to our record; a record that is broken is moved aside and begun anew."""
    try:
        records = _records(path)
    except ClawError:
        aside(path)
        records = {}
    there = records.setdefault(folder, [])
    if new := [it for it in rules if it not in there]:
        there.extend(new)
        write_whole(path, json.dumps(records, indent=2, ensure_ascii=False) + "\n", 0o600)


def _forget(path: Path, folder: str, rule: str) -> None:
    records = _records(path)
    if rule in records.get(folder, ()):
        records[folder].remove(rule)
        write_whole(path, json.dumps(records, indent=2, ensure_ascii=False) + "\n", 0o600)


def _mode_of(path: Path, *, new: int = 0o600) -> int:
    try:
        return path.lstat().st_mode & 0o777 if not path.is_symlink() else new
    except OSError:
        return new
