"""What the extension of editors/vscode says in its package.json is what its sources and the server do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from claw_lsp.lsp.announced import COMMANDS
from claw_lsp.testing import contribution

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "editors" / "vscode"
PACKAGE: dict[str, Any] = json.loads((FOLDER / "package.json").read_text())
CONTRIBUTED: dict[str, Any] = PACKAGE["contributes"]
SOURCES = {it.name: it.read_text() for it in (FOLDER / "src").glob("*.ts")}


def test_its_settings_are_those_of_the_schema() -> None:
    assert contribution.package_json(REPOSITORY) == (FOLDER / "package.json").read_text(), (
        "package.json is stale: run python -m claw_lsp.testing.docs"
    )


def test_no_setting_that_opens_something_can_come_from_a_workspace() -> None:
    ours = [name for group in CONTRIBUTED["configuration"] for name in group["properties"]]
    assert not {"claw.permissions.allow", "claw.env", "claw.allowPrivateAddresses"} & set(ours)
    assert "claw.model" in ours
    assert PACKAGE["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] == ["claw.server.path"]


def test_every_command_that_is_offered_is_registered_and_the_other_way_round() -> None:
    offered = {it["command"].removeprefix("clawEditor.") for it in CONTRIBUTED["commands"]}
    direct = re.findall(r"^ {4}(\w+): (?:async )?\(", SOURCES["extension.ts"], re.MULTILINE)
    passed_on = re.findall(r"^  (\w+): \{ title:", SOURCES["commands.ts"], re.MULTILINE)
    registered = {*direct, *passed_on} - {"find", "environment"}
    assert offered == registered


def test_keys_menus_and_the_walkthrough_name_commands_that_are_there() -> None:
    offered = {it["command"] for it in CONTRIBUTED["commands"]}
    named = [it["command"] for it in CONTRIBUTED["keybindings"]]
    named += [it["command"] for menu in CONTRIBUTED["menus"].values() for it in menu]
    named += re.findall(r"command:(clawEditor\.\w+)", json.dumps(CONTRIBUTED["walkthroughs"]))
    named += re.findall(r"'(clawEditor\.\w+)'", SOURCES["status.ts"])
    contexts = {"clawEditor.running"}
    assert set(named) - contexts <= offered


def test_every_command_that_is_sent_is_one_of_the_servers() -> None:
    sent = {it for text in SOURCES.values() for it in re.findall(r"'(claw\.[a-zA-Z]+)'", text)}
    sent |= {f"claw.{it}" for it in re.findall(r"^  (\w+): \{ title:", SOURCES["commands.ts"], re.MULTILINE)}
    # A section of the settings and an item of the status bar are named so, too.
    assert sent - {"claw.server"} <= {*COMMANDS}


def test_versions_are_exact_and_pictures_of_the_walkthrough_are_there() -> None:
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", it) for it in PACKAGE["devDependencies"].values())
    pages = [step["media"]["markdown"] for it in CONTRIBUTED["walkthroughs"] for step in it["steps"]]
    assert all((FOLDER / it).exists() for it in pages)
