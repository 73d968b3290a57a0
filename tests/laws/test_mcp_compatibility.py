"""docs/compatibility.md says of everything that other agents document about MCP servers whether it works here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

FIELDS = """.mcp.json ~/.claude.json managed-mcp.json precedence stdio http streamable-http sse ws command args env url headers
headersHelper oauth timeout alwaysLoad enableAllProjectMcpServers enabledMcpjsonServers disabledMcpjsonServers
allowedMcpServers deniedMcpServers --mcp-config --strict-mcp-config MCP_TIMEOUT MCP_TOOL_TIMEOUT MAX_MCP_OUTPUT_TOKENS
ENABLE_TOOL_SEARCH anthropic/requiresUserInteraction anthropic/alwaysLoad""".split()
"""What is written in files, on the command line and in the environment."""

FEATURES = """protocol|tool names|annotations|structured output|images|audio|output limit|list_changed|resources|templates|prompts|
elicitation, form|elicitation, url|sampling|roots|progress|cancellation|logging|instructions|tasks|servers of plugins"""
"""What servers and clients can do with each other."""


def rows() -> dict[str, tuple[str, str]]:
    """The first cells of the tables about MCP, with what stands beside them."""
    parts = re.findall(r"^## MCP servers:.*?(?=^## |\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    lines = [it for part in parts for it in part.splitlines() if it.startswith("| ") and not it.startswith("| |")]
    cells = [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", it)[1:-1]) for it in lines]
    return {name: (here, said) for name, here, said in (it for it in cells if set(it[0]) != {"-"})}


@pytest.mark.parametrize("name", [*FIELDS, *(it.strip() for it in FEATURES.split("|"))])
def test_everything_that_is_documented_elsewhere_has_its_row(name: str) -> None:
    assert any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", first) for first in rows()), name


def test_every_row_says_whether_it_works_and_what_does_not_says_why() -> None:
    odd = {
        first: here
        for first, (here, _) in rows().items()
        if here not in {"works", "differs", "not there", "not yet", "no effect"}
    }
    assert odd == {}
    assert [first for first, (here, said) in rows().items() if here != "works" and not said] == []
