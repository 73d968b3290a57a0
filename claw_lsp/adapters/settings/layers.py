"""The settings in force: layers read one over the other, and of each only what that layer is believed.

A project's files can forbid and ask; what they would allow, run or redirect counts once the person approved it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from claw_lsp.adapters.settings.belief import NOT_FROM_EDITOR, OF_FOLDER, STRICTER, believed
from claw_lsp.adapters.settings.files import read_text
from claw_lsp.adapters.settings.kept import Good, LastGood
from claw_lsp.adapters.settings.managed import MANAGED, NOBODYS, Managed, looked_at
from claw_lsp.adapters.settings.place import Keys, place
from claw_lsp.adapters.settings.remember import allowed_here
from claw_lsp.adapters.settings.seeking import Folder
from claw_lsp.adapters.settings.trust import approvals_of
from claw_lsp.core.approvals import NOTHING, Approvals
from claw_lsp.core.files.handlers import found_in
from claw_lsp.core.files.keys import BEHAVIORS, KEYS, lookup, modern, plain
from claw_lsp.core.policy.rules import remark, worth
from claw_lsp.core.redaction import redacted
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.hook import Hook
from claw_lsp.facts.rule import Behavior, Mode, Rule
from claw_lsp.facts.settings import Problem, Settings

MAX_PROBLEMS = 20
"""How many problems of one file are told."""

_REPLACED = frozenset({"fallbackModel", "availableModels", "allowedMcpServers"})
"""Lists that are one choice as a whole: what is stronger does not add to them."""

_OF_PERSON = NOT_FROM_EDITOR | frozenset(
    "allow hooks mcpServers enabledPlugins statusLine apiKey authToken baseUrl shellPath".split()
)
_OF_SECTION = frozenset(it[0] for it in KEYS.values()) | {"permissions", "workspaceTrusted", "server", "trace", "token"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, what was wrong, and (`withheld`) what was left out without a fault.
    `sought` is what the folder's settings files ask for beyond what everybody may say."""

    settings: Settings
    problems: tuple[Problem, ...] = ()
    withheld: tuple[str, ...] = ()
    sought: Folder = field(default_factory=Folder, compare=False)


def load(
    *,
    home: str,
    claw_home: str,
    folder: str | None,
    command_line: Mapping[str, Any],
    editor: Mapping[str, Any],
    files: Sequence[str] = (),
    policy: Managed = NOBODYS,
    kept: LastGood | None = None,
) -> Loaded:
    """Read every layer; never raises. `folder` is the session's home, None with no folder open. `files` are settings
    files that the command line names; they are believed as it is. `policy` are managed settings, stronger than everything.
    `kept` remembers what the files said last: of one that is broken now that stays in force.

    `command_line` and `editor` are shaped like a settings file; `editor` is the section `claw`. Reads the disk: call it
    off the loop.
    """
    gathered = _Gathered(restricted=editor.get("workspaceTrusted") is False, kept=kept or LastGood())
    if folder is not None and not gathered.restricted:
        gathered.folder.approvals = _approvals(gathered, Path(claw_home), folder, home)
    for path, source in _files(Path(home), Path(claw_home), folder):
        _read_file(gathered, path, source)
    if folder is not None:
        _believe_remembered(gathered, Path(claw_home), folder)
    _look_through(gathered, editor)
    _take(gathered, _Layer("editor", "the editor's settings", editor))
    for path in files:
        _read_file(gathered, Path(path), "command line")
    _take(gathered, _Layer("command line", "the command line", command_line))
    gathered.problems += [Problem(str(path), 1, 1, fault) for path, fault in policy.faults.items()]
    for path in policy.files:
        _read_file(gathered, path, "managed")
    settings = _settings(gathered, home, folder)
    gathered.kept.gate.guard(folder or "", hooked=any(it.event == "ConfigChange" for it in settings.hooks))
    return Loaded(settings, tuple(gathered.problems), tuple(gathered.withheld), gathered.folder)


def examined(path: str, text: str) -> tuple[Problem, ...]:
    """What is wrong in the text of a project's settings file, as it stands in an editor; nothing of it comes into force."""
    gathered = _Gathered()
    _take_text(gathered, Path(path), "project", text.removeprefix("\ufeff"))
    return tuple(gathered.problems)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One source of settings; `text` is what was parsed, where it was a file."""

    source: str
    path: str
    data: Mapping[str, Any]
    text: str | None = None


@dataclass(slots=True)
class _Gathered:
    """What the layers read so far add up to. `remembered` are allow rules of `.claw/settings.local.json`, not yet believed;
    `walled_by_others`: it was not the person who turned the sandbox on; `hooks_off_by_policy`: managed settings turn off even
    their own hooks; `restricted`: the person does not trust the folder, says the editor."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    rules: list[Rule] = field(default_factory=list[Rule])
    hooks: list[Hook] = field(default_factory=list[Hook])
    remembered: list[Rule] = field(default_factory=list[Rule])
    problems: list[Problem] = field(default_factory=list[Problem])
    withheld: list[str] = field(default_factory=list[str])
    folder: Folder = field(default_factory=Folder)
    walled_by_others: bool = False
    hooks_off_by_policy: bool = False
    restricted: bool = False
    kept: LastGood = field(default_factory=LastGood)


def _approvals(gathered: _Gathered, claw_home: Path, folder: str, home: str) -> Approvals:
    try:
        return approvals_of(claw_home, folder, home)
    except ClawError as error:
        gathered.problems.append(Problem(str(claw_home / "trust.json"), 1, 1, str(error)))
        return NOTHING


def _look_through(gathered: _Gathered, section: Mapping[str, Any]) -> None:
    """Tell what of the editor's section is not read: what only a file of the person's may say, and, without a word about
    it to the person, what nobody knows: editors and their plugins send things of their own."""
    permissions = section.get("permissions")
    inner = cast("Mapping[str, Any]", permissions) if isinstance(permissions, Mapping) else dict[str, Any]()
    names = [it for it in (*section, *(f"permissions.{it}" for it in inner)) if it != "permissions"]
    theirs = [it for it in names if it.removeprefix("permissions.") in _OF_PERSON]
    odd = [it for it in names if it not in theirs and it.split(".")[0] not in _OF_SECTION]
    why = "is not read from an editor's settings, since a workspace can write those; your own settings.json may say it."
    gathered.problems += [Problem("the editor's settings", 1, 1, f"claw.{it} {why}") for it in theirs[:MAX_PROBLEMS]]
    gathered.withheld += [f"the editor's settings: claw.{it} (there is no such setting)" for it in odd[:MAX_PROBLEMS]]


def _files(home: Path, claw_home: Path, folder: str | None) -> list[tuple[Path, str]]:
    """Settings files and their sources, the weakest first. A file of the person's is not read again as a project's."""
    files = [(home / ".claude" / "settings.json", "user"), (claw_home / "settings.json", "user")]
    if folder is None:
        return files
    own = {os.path.realpath(path) for path, _ in files}
    for name, source in (("settings.json", "project"), ("settings.local.json", "local")):
        for inside in (".claude", ".claw"):
            path = Path(folder) / inside / name
            if os.path.realpath(path) not in own:
                files.append((path, source))
    return files


def files_of(home: str, claw_home: str, folders: Iterable[str]) -> tuple[str, ...]:
    """Every file that settings are read from in these folders, also those that are not there; what is managed, too."""
    found = [str(path) for folder in (None, *folders) for path, _ in _files(Path(home), Path(claw_home), folder)]
    return tuple(dict.fromkeys((*found, *looked_at(MANAGED))))


def _read_file(gathered: _Gathered, path: Path, source: str) -> None:
    try:
        text = read_text(path)
    except ClawError as error:
        _broken(gathered, path, source, (1, 1), str(error))
        return
    text = gathered.kept.gate.passed(str(path), source, text)
    if text is None:
        gathered.kept.forget(str(path))
    else:
        _take_text(gathered, path, source, text)


def _take_text(gathered: _Gathered, path: Path, source: str, text: str) -> None:
    if not text.strip():
        gathered.kept.forget(str(path))
        return
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        _broken(gathered, path, source, (error.lineno, error.colno), f"This is not valid JSON: {error.msg}.")
        return
    except (ValueError, RecursionError):
        message = "This JSON is nested too deep or holds a number too long."
        _broken(gathered, path, source, (1, 1), message)
        return
    if not isinstance(data, dict):
        _broken(gathered, path, source, (1, 1), "Expected one JSON object {…} with settings.")
        return
    _take(gathered, _Layer(source, str(path), modern(cast("dict[str, Any]", data)), text))


def _broken(gathered: _Gathered, path: Path, source: str, at: tuple[int, int], why: str) -> None:
    """Nothing of the file can be read now: what it said last stays in force, and the one thing said is why."""
    last = gathered.kept.of(str(path))
    does = (
        "What it said before stays in force until it is mended." if last else "The file is left out until it is mended."
    )
    problems = [*gathered.problems, Problem(str(path), *at, f"{why} {does}")]
    if last is not None:
        _take(gathered, _Layer(source, str(path), last.said, last.text))
    gathered.problems = problems


def _take(gathered: _Gathered, layer: _Layer) -> None:
    for group in ("permissions", "chats", "sandbox"):
        if not isinstance(layer.data.get(group, {}), Mapping):
            _complain(gathered, layer, (group,), f"{group}: expected an object {{…}}")
    good: dict[str, Any] = {}
    for alias, keys in KEYS.items():
        found = lookup(layer.data, keys)
        if found is not None and found[1] is not None:
            _take_setting(gathered, layer, alias, found, good)
    for behavior in BEHAVIORS:
        _take_rules(gathered, layer, behavior, good)
    _take_hooks(gathered, layer, good)
    if layer.source in OF_FOLDER:
        gathered.folder.others(layer.data, layer.path)
    if layer.text is not None:
        gathered.kept.keep(layer.path, Good(layer.text, layer.data, good))


def _take_setting(
    gathered: _Gathered, layer: _Layer, alias: str, found: tuple[Keys, Any], good: dict[str, Any]
) -> None:
    """Take one setting as far as the layer is believed; its value, or the last good one, is put into `good`."""
    at, value = found[0], plain(alias, found[1])
    if layer.source == "editor" and not believed(layer.source, alias, value):
        if alias not in STRICTER:  # Editors send their defaults, too: nobody said anything.
            gathered.withheld.append(f"{layer.path}: {'.'.join(map(str, at))}")
        return
    value = _valid(gathered, layer, alias, at, value, gathered.kept.of(layer.path))
    if value is None:
        return
    good[".".join(KEYS[alias])] = value
    if layer.source in OF_FOLDER and not believed(layer.source, alias, value):
        value = gathered.folder.part(alias, value, layer.path)
        if value is None:
            gathered.withheld.append(f"{layer.path}: {'.'.join(map(str, at))}")
            return
    theirs = layer.source not in (*OF_FOLDER, "editor")
    if alias == "sandbox.enabled" and value is True:
        gathered.walled_by_others = not theirs and (gathered.walled_by_others or not gathered.values.get(alias))
    if alias == "disableAllHooks" and layer.source == "managed":
        gathered.hooks_off_by_policy = value is True
    _take_value(gathered, alias, value)


def _valid(gathered: _Gathered, layer: _Layer, alias: str, at: Keys, value: Any, last: Good | None) -> Any:
    """The value where the model takes it; else, once that is said, the last good one, None where there is none."""
    try:
        Settings.model_validate({alias: value})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        expected = first["msg"].replace("Input should be", "expected", 1)
        inside = tuple(it for it in first["loc"][1:] if it != "id")
        name = ".".join(str(it) for it in (*at, *inside))
        shown = "" if alias == "env" else f"; found {_shown(first['input'])}"
        before = last.values.get(".".join(KEYS[alias])) if last and layer.text is not None else None
        _complain(gathered, layer, (*at, *inside), f"{name}: {expected}{shown}", stays=before is not None)
        return before
    return value


def _take_value(gathered: _Gathered, alias: str, value: Any) -> None:
    """Keep one value. Most lists grow, maps are merged by key, everything else is replaced."""
    before = gathered.values.get(alias)
    if isinstance(value, list) and isinstance(before, list) and alias not in _REPLACED:
        both = cast("list[Any]", before) + cast("list[Any]", value)
        gathered.values[alias] = [it for n, it in enumerate(both) if it not in both[:n]]
    elif isinstance(value, dict) and isinstance(before, dict):
        gathered.values[alias] = {**cast("dict[str, Any]", before), **cast("dict[str, Any]", value)}
    else:
        gathered.values[alias] = value


def _take_rules(gathered: _Gathered, layer: _Layer, behavior: Behavior, good: dict[str, Any]) -> None:
    found = lookup(layer.data, ("permissions", behavior))
    if found is None or found[1] is None:
        return
    at, rules = found
    if not isinstance(rules, list):
        last = gathered.kept.of(layer.path) if layer.text is not None else None
        rules = last.values.get(f"permissions.{behavior}") if last else None
        _complain(gathered, layer, at, f"permissions.{behavior}: expected a list of rules", stays=rules is not None)
    if rules is None:
        return
    good[f"permissions.{behavior}"] = rules
    kept: list[Rule] = []
    for n, text in enumerate(cast("list[Any]", rules)):
        if isinstance(text, str) and text.strip() and text.isprintable():
            kept.append(
                Rule(text=text.strip(), behavior=behavior, source=layer.source, base=_base(layer), file=_file(layer))
            )
            _take_remark(gathered, layer, (*at, n), kept[-1])
        else:
            message = f'permissions.{behavior}: expected a rule on one line such as "Bash(npm test *)"'
            _complain(gathered, layer, (*at, n), f"{message}; found {_shown(text)}")
    if behavior != "allow" or layer.source in ("user", "command line", "managed"):
        gathered.rules += kept
    elif layer.source == "local" and Path(layer.path).parent.name == ".claw":
        gathered.remembered += kept
    elif layer.source in OF_FOLDER:
        _take_approved(gathered, kept, layer.path)
    elif kept:
        gathered.withheld.append(_not_allowed(layer.path, kept))


def _take_hooks(gathered: _Gathered, layer: _Layer, good: dict[str, Any]) -> None:
    """Keep the hooks that can be read and are believed: those of a folder's file count one by one, once approved."""
    if not (hooks := layer.data.get("hooks")) or layer.source == "editor":
        return
    good["hooks"] = hooks
    for it in found_in(hooks):
        if it.remark:
            _note(gathered, layer, it.at, it.remark)
        if it.hook is None:
            continue
        if layer.source in OF_FOLDER and not gathered.folder.allows(*it.asked, layer.path):
            gathered.withheld.append(f"{layer.path}: {it.asked[0]} ({it.hook.name[:200]})")
            continue
        line = place(layer.text, it.at)[0] if layer.text is not None else 0
        gathered.hooks.append(it.hook.model_copy(update={"source": layer.source, "file": _file(layer), "line": line}))


def _take_approved(gathered: _Gathered, rules: Sequence[Rule], path: str) -> None:
    """Allow rules of a folder's file count one by one."""
    left = [it for it in rules if not gathered.folder.allows(f"allow rule {it.text}", it.text, path)]
    gathered.rules += [it for it in rules if it not in left]
    if left:
        gathered.withheld.append(_not_allowed(path, left))


def _not_allowed(path: str, rules: Sequence[Rule]) -> str:
    return f"{path}: permissions.allow ({', '.join(it.text for it in rules)[:200]})"


def _take_remark(gathered: _Gathered, layer: _Layer, at: Keys, rule: Rule) -> None:
    """Say what is wrong with a rule; it stays in force, for what it is worth."""
    if not (said := remark(rule.text, rule.behavior)):
        return
    message = f"permissions.{rule.behavior}: {_shown(rule.text)}: {said}{'' if said.endswith('?') else '.'}"
    if does := worth(rule.text, rule.behavior):
        message += f" As it is, {does}."
    _note(gathered, layer, at, message)


def _file(layer: _Layer) -> str:
    return layer.path if layer.text is not None else ""


def _base(layer: _Layer) -> str:
    """The folder a rule's `/path` hangs on: the project's for its settings, that of the person's own settings for theirs."""
    if layer.text is None:
        return ""
    folder = Path(layer.path).parent
    return str(folder.parent if layer.source in ("project", "local") else folder)


def _believe_remembered(gathered: _Gathered, claw_home: Path, folder: str) -> None:
    """A local allow rule counts when the person made it here, which only our own record under CLAW_HOME can tell."""
    try:
        ours = allowed_here(claw_home, folder)
    except ClawError as error:
        ours = frozenset[str]()
        gathered.problems.append(Problem(str(claw_home / "allowed.json"), 1, 1, str(error)))
    gathered.rules += [it for it in gathered.remembered if it.text in ours]
    where = str(Path(folder) / ".claw" / "settings.local.json")
    _take_approved(gathered, [it for it in gathered.remembered if it.text not in ours], where)


def _settings(gathered: _Gathered, home: str, folder: str | None) -> Settings:
    values = gathered.values
    if gathered.walled_by_others:
        # Walls that the person did not choose are no reason to ask them less.
        values["sandbox.autoAllowBashIfSandboxed"] = False
    off = "disableAllHooks" in values and values["disableAllHooks"] is not False
    hooks = tuple(
        it for it in gathered.hooks if not off or (it.source == "managed" and not gathered.hooks_off_by_policy)
    )
    if gathered.restricted:
        values["disabledMcpjsonServers"] = [*values.get("disabledMcpjsonServers", []), "*"]
        values["restricted"] = True
    if values.get("disableBypassPermissionsMode") and values.get("defaultMode") == Mode.BYPASS:
        del values["defaultMode"]
    if values.get("disableAutoMode") and values.get("defaultMode") == Mode.AUTO:
        del values["defaultMode"]
    base = folder or home
    values["additionalDirectories"] = [
        os.path.normpath(Path(base, _expanded(it, home))) for it in values.get("additionalDirectories", [])
    ]
    if isinstance(chats := values.get("chats.directory"), str):
        values["chats.directory"] = _expanded(chats, home)
    if isinstance(notes := values.get("autoMemoryDirectory"), str):
        values["autoMemoryDirectory"] = os.path.realpath(Path(home, _expanded(notes, home)))
    return Settings.model_validate({**values, "rules": tuple(gathered.rules), "hooks": hooks})


def _expanded(path: str, home: str) -> str:
    return home + path[1:] if path == "~" or path.startswith("~/") else path


def _complain(gathered: _Gathered, layer: _Layer, at: Keys, message: str, *, stays: bool = False) -> None:
    does = "What stood there before stays in force." if stays else "It is left out."
    _note(gathered, layer, at, f"{message}. {does}")


def _note(gathered: _Gathered, layer: _Layer, at: Keys, message: str) -> None:
    """Note a problem; of a file with very many, the first ones, since each costs a look through the whole text."""
    if sum(it.path == layer.path for it in gathered.problems) >= MAX_PROBLEMS:
        return
    line, column = (1, 1) if layer.text is None else place(layer.text, at)
    gathered.problems.append(Problem(layer.path, line, column, redacted(message)))


def _shown(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=True, default=str)
    return shown if len(shown) <= 60 else shown[:59] + "…"
