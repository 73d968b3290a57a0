"""The language of our own files: it never fails on what is half typed, and what it offers is right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.adapters.mcp.entries import examined as servers_examined
from claw_lsp.adapters.settings import examined
from claw_lsp.core.files.check import check
from claw_lsp.core.files.hook_words import EVENTS
from claw_lsp.core.files.kinds import Kind, kind_of
from claw_lsp.core.files.language import Offer, complete, hover
from claw_lsp.core.files.values import Known
from claw_lsp.facts.hook import FIRED, NOT_YET

KNOWN = Known(("Bash", "Read", "Edit"), ("opus", "sonnet"), ("db",))
WHOLE: dict[Kind, tuple[str, ...]] = {
    "settings": (
        json.dumps(
            {
                "model": "opus",
                "permissions": {"allow": ["Bash(npm test *)", "Read"], "deny": ["Read(.env)"], "defaultMode": "plan"},
                "hooks": {"PreToolUse": [{"matcher": "Edit|Write", "hooks": [{"type": "command", "command": "x"}]}]},
                "maxTurns": 3,
            },
            indent=2,
        ),
        '{ // how\n "autoCompactEnabled": true, "language": "German" }',
    ),
    "mcp": (
        json.dumps(
            {"mcpServers": {"db": {"command": "db", "args": ["-x"]}, "web": {"type": "http", "url": "https://x"}}}
        ),
    ),
    "hooks": (json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "prompt", "prompt": "Done? $ARGUMENTS"}]}]}}),),
    "skill": (
        "---\nname: tidy\ndescription: Tidy up\nallowed-tools: Bash(git *), Read\n---\n# Tidy\n",
        "---\ndescription: >\n  Long\n  words\nhooks:\n  Stop:\n    - hooks:\n        - type: command\n          command: x\n---\n",
    ),
    "agent": ("---\nname: looker\ndescription: Looks\ntools:\n  - Read\n  - Grep\nmodel: opus\n---\nYou look.\n",),
    "plugin": (json.dumps({"name": "tidy", "version": "1.0.0", "author": {"name": "Ada"}, "skills": ["./more"]}),),
    "marketplace": (
        json.dumps(
            {
                "name": "market",
                "owner": {"name": "Ada"},
                "plugins": [
                    {"name": "tidy", "source": "./tidy"},
                    {"name": "far", "source": {"source": "github", "repo": "a/b"}},
                ],
            }
        ),
    ),
}
TEXTS = [(kind, text) for kind, texts in WHOLE.items() for text in texts]


def n_problems(kind: Kind, text: str) -> int:
    match kind:
        case "settings":
            return len(examined("/w/.claw/settings.json", text))
        case "mcp":
            return len(servers_examined(text, "/w/.mcp.json"))
        case _:
            return len(check(kind, text))


def put(text: str, offer: Offer) -> str:
    return text[: offer.start] + offer.insert + text[offer.end :]


@pytest.mark.parametrize(("kind", "text"), [it for it in TEXTS if "// how" not in it[1]])
def test_nothing_is_wrong_in_a_whole_file(kind: Kind, text: str) -> None:
    assert n_problems(kind, text) == 0, check(kind, text)


@given(st.sampled_from(TEXTS), st.data())
def test_what_is_half_typed_is_looked_at_without_a_fault(it: tuple[Kind, str], data: st.DataObject) -> None:
    kind, text = it
    start, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    cut = text[:start] + data.draw(st.text(alphabet='"{}[]:,- \n#ab\\/*&!', max_size=6)) + text[end:]
    offset = data.draw(st.integers(0, len(cut)))
    for offer in complete(kind, cut, offset, KNOWN):
        assert 0 <= offer.start <= offset <= offer.end <= len(cut) and offer.insert
    found = hover(kind, cut, offset, KNOWN)
    assert found is None or (0 <= found.start <= offset <= found.end <= len(cut) and found.text)
    assert all(0 <= flaw.start <= flaw.end <= len(cut) and flaw.message for flaw in check(kind, cut))


@given(st.sampled_from([it for it in TEXTS if "// how" not in it[1]]), st.data())
def test_what_is_offered_brings_no_problem_into_a_whole_file(it: tuple[Kind, str], data: st.DataObject) -> None:
    kind, text = it
    offset = data.draw(st.integers(0, len(text)))
    offers = [one for one in complete(kind, text, offset, KNOWN) if not (one.kind == "key" and one.start < one.end)]
    for offer in offers:
        # A name in the front of a file is written with its value still to come.
        if not offer.insert.endswith(": "):
            assert n_problems(kind, put(text, offer)) == 0, offer


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/w/.claw/settings.json", "settings"),
        ("/w/.claude/settings.local.json", "settings"),
        ("/home/me/.claude/settings.json", "settings"),
        ("/home/me/.config/claw/settings.json", "settings"),
        ("/home/me/.config/claw/mcp.json", "mcp"),
        ("C:\\w\\.claw\\settings.json", "settings"),
        ("/etc/claude-code/managed-settings.json", "settings"),
        ("/w/.mcp.json", "mcp"),
        ("/w/.claude/skills/tidy/SKILL.md", "skill"),
        ("/w/.claude/commands/deep/x.md", "skill"),
        ("/w/.claw/agents/looker.md", "agent"),
        ("/w/.claude-plugin/plugin.json", "plugin"),
        ("/w/.claude-plugin/marketplace.json", "marketplace"),
        ("/w/hooks/hooks.json", "hooks"),
        ("/w/settings.json", None),
        ("/w/agents/x.md", None),
        ("/w/README.md", None),
    ],
)
def test_our_files_are_known_by_their_paths(path: str, kind: Kind | None) -> None:
    assert kind_of(path, "/home/me/.config/claw") == kind


def offered(kind: Kind, text: str) -> list[str]:
    at = text.index("|")
    return [it.label for it in complete(kind, text[:at] + text[at + 1 :], at, KNOWN)]


@pytest.mark.parametrize(
    ("kind", "text", "some"),
    [
        ("settings", "{|}", "model permissions hooks env"),
        ("settings", '{"model": "opus" |}', "permissions"),
        ("settings", '{"model": "|"}', "opus sonnet"),
        ("settings", '{"model": |', "opus sonnet"),
        ("settings", '{"effortLevel": "h|"}', "low high max"),
        ("settings", '{"autoCompactEnabled": |}', "true false"),
        ("settings", '{"permissions": {"defaultMode": "|"}}', "plan bypassPermissions"),
        ("settings", '{"permissions": {"allow": ["|"]}}', "Bash Read mcp__db"),
        ("settings", '{"permissions": {|', "allow ask deny"),
        ("settings", '{"hooks": {|}}', "PreToolUse Stop SessionStart"),
        ("settings", '{"hooks": {"PreToolUse": [{|}]}}', "matcher hooks"),
        ("settings", '{"hooks": {"PreToolUse": [{"matcher": "|"}]}}', "Bash mcp__db__.*"),
        ("settings", '{"hooks": {"SessionStart": [{"matcher": "|"}]}}', "startup resume"),
        ("settings", '{"hooks": {"Stop": [{"hooks": [{"type": "|"}]}]}}', "command http prompt agent mcp_tool"),
        ("settings", '{"hooks": {"Stop": [{"hooks": [{"type": "http", |}]}]}}', "url headers timeout"),
        ("settings", '{"enabledMcpjsonServers": ["|"]}', "db"),
        ("mcp", '{"mcpServers": {"x": {|}}}', "command url type"),
        ("mcp", '{"mcpServers": {"x": {"type": "http", "url": "u", |}}}', "headers oauth"),
        ("mcp", '{"mcpServers": {"x": {"type": "|"}}}', "stdio http sse"),
        ("hooks", '{"hooks": {"Stop": [{"hooks": [{|}]}]}}', "type"),
        ("skill", "---\nname: x\n|\n---\n", "description model allowed-tools"),
        ("skill", "---\nname: x\nmo|\n---\n", "model"),
        ("skill", "---\nallowed-tools: Bash(git *), |\n---\n", "Read Bash"),
        ("skill", "---\nmodel: |", "opus"),
        ("agent", "---\ntools:\n  - |\n---\n", "Read Bash mcp__db"),
        ("agent", "---\npermissionMode: |\n---\n", "plan acceptEdits"),
        ("agent", "---\nhooks:\n  |\n---\n", "Stop PreToolUse"),
        ("agent", "---\nhooks:\n  Stop:\n    - hooks:\n        - type: |\n---\n", "command prompt"),
        ("plugin", "{|}", "name description author hooks"),
        ("plugin", '{"author": {|}}', "name email url"),
        ("marketplace", '{"plugins": [{|}]}', "name source category"),
        ("marketplace", '{"plugins": [{"source": {"source": "|"}}]}', "github npm git-subdir"),
    ],
)
def test_what_may_stand_there_is_offered(kind: Kind, text: str, some: str) -> None:
    assert set(some.split()) <= set(offered(kind, text))


@pytest.mark.parametrize(
    ("kind", "text", "none"),
    [
        ("settings", '{"model": "opus", |}', "model"),
        ("settings", '{"hooks": {"Stop": [{"hooks": [{"type": "http", |}]}]}}', "command prompt type"),
        ("mcp", '{"mcpServers": {"x": {"command": "x", |}}}', "url headers command"),
        ("settings", '{"model": "opus"}|', "permissions"),
        ("skill", "---\nname: x\n---\n|", "description"),
        ("agent", "---\nname: x\n|\n---\n", "name"),
    ],
)
def test_what_may_not_stand_there_is_not_offered(kind: Kind, text: str, none: str) -> None:
    assert set(none.split()).isdisjoint(offered(kind, text))


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("settings", '{"mod|el": "x"}', "The model: an alias"),
        (
            "settings",
            '{"permissions": {"deny": ["Re|ad(.env)"]}}',
            "Denies reading (Read, Grep, Glob) what is called `.env`",
        ),
        (
            "settings",
            '{"permissions": {"allow": ["Ba|sh(npm test *)"]}}',
            "that is `npm test` or begins with it and a blank",
        ),
        ("settings", '{"permissions": {"ask": ["mcp__d|b"]}}', "Asks about every tool of the MCP server `db`"),
        ("settings", '{"permissions": {"allow": ["Bs|h"]}}', "But there is no tool Bsh"),
        ("settings", '{"hooks": {"PreTool|Use": []}}', "Exit 2 refuses it"),
        ("settings", '{"hooks": {"PreToolUse": [{"matcher": "(Ed|it)"}]}}'.replace("(Ed|it)", "E|d.*"), "`Edit`"),
        ("settings", '{"hooks": {"Stop": [{"hooks": [{"ti|meout": 1}]}]}}', "Seconds it may take"),
        ("mcp", '{"mcpServers": {"x": {"head|ersHelper": "x"}}}', "prints further headers"),
        ("skill", "---\nallowed-tools: Read, Ba|sh(ls)\n---\n", "the Bash command `ls`, exactly"),
        ("agent", "---\niso|lation: worktree\n---\n", "working tree of its own"),
        ("marketplace", '{"plugins": [{"str|ict": true}]}', "plugin.json"),
    ],
)
def test_what_stands_there_is_explained(kind: Kind, text: str, said: str) -> None:
    at = text.index("|")
    found = hover(kind, text[:at] + text[at + 1 :], at, KNOWN)
    assert found is not None and said in found.text


@pytest.mark.parametrize(
    ("kind", "text", "at", "said"),
    [
        ("skill", "---\nname: x\n---\n", "", "There is no description"),
        ("skill", "---\ndescripton: x\ndescription: y\n---\n", "descripton", "did you mean description?"),
        ("skill", "---\ndescription: x\nallowed-tools: Bsh(ls), Read\n---\n", "allowed-tools", 'did you mean "Bash"?'),
        ("skill", "---\ndescription: [x\n---\n", "", "not valid YAML"),
        ("agent", "---\nname: Big One\ndescription: x\n---\n", "name", "small letters"),
        ("agent", "---\nname: x\ndescription: x\ntools: [Read, Bsh]\n---\n", "Bsh", "there is no tool Bsh"),
        ("agent", "---\nname: x\ndescription: x\npermissionMode: pln\n---\n", "permissionMode", "expected 'default'"),
        ("agent", "You are.", "You", "between two lines of ---"),
        ("plugin", '{"name": "x", "skills": "../x"}', '"skills"', "begins with ./"),
        ("plugin", '{"name": "x",}', "}", "not valid JSON"),
        (
            "marketplace",
            '{"name": "a", "owner": {"name": "x"}, "plugins": [{"name": "p"}]}',
            '{"name": "p"}',
            "no source",
        ),
        ("hooks", '{"hooks": {"PreTolUse": []}}', '"PreTolUse"', "did you mean PreToolUse?"),
        ("hooks", '{"hooks": {"Stop": [{"hooks": [{"type": "command"}]}]}}', '{"type": "command"}', "needs command"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(kind: Kind, text: str, at: str, said: str) -> None:
    found = check(kind, text)
    assert any(said in it.message and (not at or text[it.start : it.end] == at) for it in found), found


def test_every_event_has_its_sentence() -> None:
    assert EVENTS.keys() == FIRED | NOT_YET
