"""`python -m claw_lsp.testing.docs [--check]`: write docs/commands.md, events.md, tools.md and settings.md, and the
settings of the VS Code extension, from the code; or say that they are stale."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from claw_lsp.app.house import build
from claw_lsp.app.world import World
from claw_lsp.core.files.elsewhere import ELSEWHERE
from claw_lsp.core.files.settings_shape import schema
from claw_lsp.engine.toolbox import spec
from claw_lsp.facts.event import FORMAT, Known
from claw_lsp.facts.settings import Settings
from claw_lsp.lsp.answers import TABLE
from claw_lsp.lsp.commands.table import Command
from claw_lsp.lsp.events import FactTold, HunksTold, Status
from claw_lsp.testing import contribution

REPOSITORY = Path(__file__).resolve().parents[2]
_MADE = "<!-- Written by `python -m claw_lsp.testing.docs` from the code; change it there. -->"


def main() -> int:
    """Write them; with `--check` write nothing and answer 1 if one is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m claw_lsp.testing.docs", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="only say which are stale")
    checking = parser.parse_args().check
    stale = [name for name, text in documents().items() if _kept(name) != text]
    if checking:
        for name in stale:
            sys.stderr.write(f"{name} is stale: run python -m claw_lsp.testing.docs\n")
        return 1 if stale else 0
    for name, text in documents().items():
        REPOSITORY.joinpath(name).write_text(text, "utf-8")
    return 0


def documents() -> dict[str, str]:
    """Each document by its path in the repository."""
    return {
        "docs/commands.md": _page("Commands", _COMMANDS, _commands()),
        "docs/events.md": _page("Events", _EVENTS, _events()),
        "docs/tools.md": _page("Tools", _TOOLS, _tools()),
        "docs/settings.md": _page("Settings", _SETTINGS, _all_settings()),
        contribution.PACKAGE: contribution.package_json(REPOSITORY),
    }


def _page(title: str, above: str, parts: Iterator[str]) -> str:
    return "\n\n".join([f"# {title}", _MADE, above, *parts]) + "\n"


def _commands() -> Iterator[str]:
    for command in sorted(TABLE.values(), key=lambda it: it.name):
        slash = f" · `/{command.name.removeprefix('claw.')}` in the chat" if command.slash else ""
        yield f"## `{command.name}`{slash}\n\n{_said(command)}\n\n{_fields(command.arguments.model_json_schema())}"


def _said(command: Command) -> str:
    return inspect.getdoc(command.run) or command.title


def _events() -> Iterator[str]:
    """What a shim is told, then every fact of a log, then what these are made of."""
    yield "## To a shim: `claw/event`"
    shim: dict[str, type[BaseModel]] = {"`status`": Status, "`hunks`": HunksTold, "a fact": FactTold}
    parts: dict[str, Any] = {}
    for heading, told in shim.items():
        yield f"### {heading}\n\n{_event(told, parts)}"
    yield f"## Facts of a log\n\n{_FACTS.format(format=FORMAT)}"
    facts: list[type[BaseModel]] = [*get_args(get_args(Known)[0])]
    for fact in sorted(facts, key=lambda it: str(it.model_fields["kind"].default)):
        yield f"### `{fact.model_fields['kind'].default}`\n\n{_event(fact, parts)}"
    yield "## What they are made of"
    for name in sorted(it for it, described in parts.items() if "properties" in described):
        yield f"### {name}\n\n{_fields({**parts[name], 'required': [], '$defs': parts})}"


def _event(told: type[BaseModel], parts: dict[str, Any]) -> str:
    """What it says, and its fields but for its kind; what they are made of is added to `parts`."""
    described = told.model_json_schema(mode="serialization")
    parts |= described.get("$defs", {})
    fields = {name: it for name, it in described["properties"].items() if name != "kind"}
    said = f"{inspect.cleandoc(told.__doc__)}\n\n" if told.__doc__ else ""
    return said + _fields({"properties": fields, "$defs": parts})


def _tools() -> Iterator[str]:
    """Every tool there is: those of the default settings, and the one that stands in for some of them."""
    house = build(World(environment={}, home="/nowhere", claw_home="/nowhere", cwd="/nowhere"))
    older, usual = (Settings.model_validate({"todoWrite": it}) for it in (True, False))
    tools = {**house.tools(older), **house.tools(usual)}
    for tool in sorted(tools.values(), key=lambda it: it.name):
        said = spec(tool)
        yield f"## {said.name}\n\n{said.description}\n\n{_fields(said.input_schema)}"


def _fields(described: Mapping[str, Any]) -> str:
    """A table of an object's fields, those that must be given in bold."""
    properties: dict[str, Any] = described.get("properties", {})
    if not properties:
        return "It takes nothing."
    required: list[str] = described.get("required", [])
    defined = described.get("$defs", {})
    rows = [
        f"| {f'**{name}**' if name in required else name} | {_type(it, defined)} | {_cell(it.get('description', ''))} |"
        for name, it in properties.items()
    ]
    return "\n".join(["| field | type | |", "| --- | --- | --- |", *rows])


def _all_settings() -> Iterator[str]:
    yield from _settings(schema()["properties"], schema()["$defs"])
    rows = [f"| `{name}` | {it.standing} | {_cell(it.why)} |" for name, it in ELSEWHERE.items()]
    yield "\n".join(["## Keys of other agents", "", _OTHERS, "", "| key | here | why |", "| --- | --- | --- |", *rows])


def _settings(described: Mapping[str, Any], defined: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every setting by its key, nested ones with dots between."""
    for name, it in described.items():
        key = f"{path}{name}"
        if key in ELSEWHERE:
            continue
        if it.get("type") == "object" and "properties" in it:
            yield from _settings(it["properties"], defined, f"{key}.")
        else:
            default = f" Default: `{it['default']}`." if it.get("default") not in (None, {}, [], ()) else ""
            yield f"## `{key}`\n\n{it.get('description', '')} Type: {_type(it, defined)}.{default}"


def _type(field: Mapping[str, Any], defined: Mapping[str, Any]) -> str:
    """A JSON schema's type in a word or two, the values of a choice one by one."""
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        return _type(defined[name], defined) if "enum" in defined.get(name, {}) else name
    if "enum" in field:
        return ", ".join(f"`{it}`" for it in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "anyOf" in field:
        return " or ".join(_type(it, defined) for it in field["anyOf"] if it.get("type") != "null")
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), defined)}"
    return str(field.get("type", "anything"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _kept(name: str) -> str:
    path = REPOSITORY / name
    return path.read_text("utf-8") if path.exists() else ""


_COMMANDS = (
    "Sent by `workspace/executeCommand`, with one JSON object as the only argument. A command that starts a turn answers"
    " `{session, run}` at once. Fields in bold must be given."
)
_EVENTS = "What happens is told to a shim as it happens (docs/shims.md says who may hear it), and a session's log is made of facts."
_FACTS = (
    "One line of `projects/<slug>/<session>.jsonl` each, `{{n, at, event}}`; format {format}. Fields may be added with a"
    " default, never renamed."
)
_TOOLS = (
    "What the model can call, in the words it is told. What a call needs a yes for is decided by its plan, the rules and"
    " the mode. Fields in bold must be given."
)
_SETTINGS = """
`settings.json` in `~/.claw` (or `CLAW_HOME`) and in `.claw/` of a project; `.claude/` is read too, one step lower. An editor may
send the same keys in its section `claw`. `claw-lsp schema settings` prints the JSON schema.

Where the same key stands in several places, the strongest one counts; lists of all of them are joined, maps are merged by key. From
the strongest to the weakest:

1. managed: `managed-settings.json` and `managed-settings.d/*.json` (in the order of their names) in `/etc/claw-lsp`, `/etc/claude-code`
   or `/Library/Application Support/ClaudeCode`, where nobody but root may write
2. `claw-lsp`'s command line
3. the editor's section `claw`
4. `.claw/settings.local.json`, then `.claude/settings.local.json` of the folder
5. `.claw/settings.json`, then `.claude/settings.json` of the folder
6. `~/.claw/settings.json`, then `~/.claude/settings.json`: your own

A folder's files and an editor's section may forbid and ask; what they would allow, run or redirect counts once you trusted the folder,
or never (`claw.permissions` lists what was left out). `fallbackModel`, `availableModels` and `allowedMcpServers` are one choice each
and not joined.

A file that changes is in force at once, also in a turn that runs; `model`, `effortLevel` and `defaultMode` are what new sessions begin
with. Of a file that is broken now, what it said before stays in force until it is mended; what is wrong is said once, and shown at its
place where the file is open. Text that is not saved counts for nothing, but is looked at while you write it.
""".strip()
_OTHERS = "Other agents' files may hold these; here they are known and do nothing."

if __name__ == "__main__":
    sys.exit(main())
