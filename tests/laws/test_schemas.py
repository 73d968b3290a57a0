"""The JSON schemas of our own files: what the documents show fits them, and they agree with who reads the files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from claw_lsp.adapters.settings import examined
from claw_lsp.core.files.kinds import Kind
from claw_lsp.core.files.shapes import shape

DOCUMENTS = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
KINDS: tuple[Kind, ...] = ("settings", "mcp", "hooks", "skill", "agent", "plugin", "marketplace")


def examples() -> list[tuple[str, dict[str, Any]]]:
    """Every JSON example in the documents that is a file of ours."""
    found: list[tuple[str, dict[str, Any]]] = []
    for document in DOCUMENTS:
        for text in re.findall(r"^```json\n(.*?)^```", document.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            value = json.loads(text)
            known = shape("settings")["properties"].keys() | {"mcpServers"}
            if isinstance(value, dict) and value.keys() and value.keys() <= known:
                found.append((document.name, value))
    return found


def faults(kind: Kind, value: object) -> list[str]:
    return [it.message for it in Draft202012Validator(shape(kind)).iter_errors(value)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_and_says_of_every_field_what_it_is(kind: Kind) -> None:
    schema = shape(kind)
    Draft202012Validator.check_schema(schema)
    silent = [name for name, it in schema["properties"].items() if not it.get("description") and "properties" not in it]
    assert silent == []


def test_the_examples_in_the_documents_fit() -> None:
    found = examples()
    assert len(found) >= 4
    for document, value in found:
        kind: Kind = "mcp" if "mcpServers" in value else "settings"
        assert faults(kind, value) == [], (document, value)


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({"model": "opus", "permissions": {"allow": ["Bash(ls)"], "defaultMode": "plan"}}, True),
        ({"permissions": {"defaultMode": "pln"}}, False),
        ({"maxTurns": 0}, False),
        ({"maxTurns": 3}, True),
        ({"effortLevel": "huge"}, False),
        ({"language": "write, as if"}, False),
        ({"attribution": {"commit": "By Ada", "pr": False}}, True),
        ({"attribution": 3}, False),
        ({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x", "timeout": 3}]}]}}, True),
        ({"hooks": {"Stop": [{"hooks": [{"type": "command"}]}]}}, False),
        ({"hooks": {"PreToolUse": [{"hooks": [{"type": "http", "url": "https://x", "if": "Bash(git *)"}]}]}}, True),
        ({"hooks": {"Stop": [{"hooks": [{"type": "comand", "command": "x"}]}]}}, False),
        ({"hooks": {"Stopp": []}}, False),
        ({"sandbox": {"enabled": "perhaps"}}, False),
        ({"anotherProgram": {"x": 1}}, True),
    ],
)
def test_the_schema_and_the_reader_agree(value: dict[str, Any], fits: bool) -> None:
    assert (faults("settings", value) == []) is fits
    assert (examined("/w/.claw/settings.json", json.dumps(value)) == ()) is fits
