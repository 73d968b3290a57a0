"""docs/compatibility.md says of everything that other agents document about hooks whether it works here, and the code agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from claw_lsp.core.files.hook_words import EVENTS, MATCHED
from claw_lsp.facts.hook import FIRED, NOT_YET, Hook

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

DOCUMENTED = frozenset(
    """SessionStart Setup UserPromptSubmit UserPromptExpansion PreToolUse PermissionRequest PermissionDenied PostToolUse
    PostToolUseFailure PostToolBatch Notification MessageDisplay SubagentStart SubagentStop TaskCreated TaskCompleted Stop
    StopFailure TeammateIdle InstructionsLoaded ConfigChange CwdChanged DirectoryAdded FileChanged WorktreeCreate
    WorktreeRemove PreCompact PostCompact PreModelSwitch PostModelSwitch Elicitation ElicitationResult SessionEnd""".split()
)
"""Every event that is documented elsewhere."""
KINDS = frozenset({"command", "http", "mcp_tool", "prompt", "agent"})
FIELDS = frozenset(
    """type if timeout statusMessage once onFailure command args async asyncRewake shell url headers allowedEnvVars server tool
    input prompt model continueOnBlock""".split()
)
"""Every field of a handler that is documented elsewhere."""
OF_THE_RULES = frozenset(
    """matcher if timeout statusMessage once async asyncRewake onFailure continue stopReason systemMessage suppressOutput
    terminalSequence updatedPermissions classifierContext suppressOriginalPrompt CLAUDE_ENV_FILE disableAllHooks
    allowedHttpHookUrls httpHookAllowedEnvVars""".split()
)
"""What must stand among the fields and rules, whatever is said of it."""
HAPPENS = {"works", "differs"}
NEVER = {"not yet", "not there"}


def rows(heading: str) -> dict[str, tuple[str, str]]:
    """The rows of a table by every name in their first cell: what is said, and more of it."""
    section = PAGE.read_text("utf-8").partition(f"### {heading}\n")[2].partition("\n#")[0]
    cells = [[it.strip() for it in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    found: dict[str, tuple[str, str]] = {}
    for first, here, *more in cells[2:]:
        for name in re.split(r",\s*", first):
            assert name not in found, f"{name} stands there twice"
            found[name.strip("`")] = here, " ".join(more)
    return found


def test_every_event_stands_in_the_table_once_and_says_what_the_code_does() -> None:
    table = rows("Events")
    assert table.keys() == DOCUMENTED == FIRED | NOT_YET == EVENTS.keys()
    assert not FIRED & NOT_YET
    assert {name for name, (here, _) in table.items() if here in HAPPENS} == FIRED
    assert {name for name, (here, _) in table.items() if here in NEVER} == NOT_YET


def test_what_differs_or_is_not_there_says_how_or_why() -> None:
    for heading in ("Events", "Handlers", "Fields and rules"):
        silent = [name for name, (here, more) in rows(heading).items() if here != "works" and not more]
        assert silent == []


def test_an_event_that_never_happens_here_is_fired_nowhere_and_every_other_one_is() -> None:
    core = (Path(__file__).parents[2] / "claw_lsp" / "core" / "hooks" / "occasions.py").read_text("utf-8")
    named = {it for it in DOCUMENTED if f'"{it}"' in core}
    assert named == FIRED


def test_every_kind_of_handler_stands_in_the_table() -> None:
    assert rows("Handlers").keys() == KINDS == set(Hook.model_fields["type"].annotation.__args__)  # type: ignore[union-attr]


def test_every_field_of_a_handler_is_read() -> None:
    ours = {"event", "matcher", "source", "file", "line"}
    assert {str(it.alias or name) for name, it in Hook.model_fields.items()} - ours == FIELDS


@pytest.mark.parametrize("name", sorted(OF_THE_RULES))
def test_what_is_documented_of_answers_and_rules_stands_in_the_table(name: str) -> None:
    text = " ".join(f"{it} {' '.join(said)}" for it, said in rows("Fields and rules").items())
    assert re.search(rf"\b{name}\b", text)


def test_matchers_that_are_completed_are_of_events_that_there_are() -> None:
    assert MATCHED.keys() <= DOCUMENTED
