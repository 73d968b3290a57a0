"""Settings files over real folders: layers, what is not believed, what is wrong, and rules that are remembered."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claw_lsp.adapters.settings import Loaded, RuleMemory, examined, load
from claw_lsp.adapters.settings.place import place
from claw_lsp.core.files.settings_shape import schema
from claw_lsp.core.redaction import secret_in
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.mcp_settings import McpSettings
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.sandbox import SandboxSettings
from claw_lsp.facts.settings import Problem, Settings


class Places:
    """A home, a CLAW_HOME and a project folder, and how they are loaded."""

    def __init__(self, root: Path) -> None:
        self.home, self.folder = root / "home", root / "project"
        self.claw_home = self.home / ".claw"
        for folder in (self.home, self.folder):
            folder.mkdir()

    def write(self, path: str, data: object) -> Path:
        base, _, rest = path.partition("/")
        file = {"home": self.home, "project": self.folder}[base] / rest
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return file

    def load(self, *, editor: dict[str, Any] | None = None, command_line: dict[str, Any] | None = None) -> Loaded:
        return load(
            home=str(self.home),
            claw_home=str(self.claw_home),
            folder=str(self.folder),
            command_line=command_line or {},
            editor=editor or {},
        )


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def rules(loaded: Loaded) -> list[tuple[str, str, str]]:
    return [(rule.behavior, rule.text, rule.source) for rule in loaded.settings.rules]


def test_nothing_configured_is_what_a_new_user_gets(places: Places) -> None:
    assert places.load() == Loaded(Settings())


def test_each_layer_overrides_the_one_below(places: Places) -> None:
    layers = [
        "home/.claude/settings.json",
        "home/.claw/settings.json",
        "project/.claude/settings.json",
        "project/.claw/settings.json",
        "project/.claude/settings.local.json",
        "project/.claw/settings.local.json",
    ]
    for n, layer in enumerate(layers):
        places.write(layer, {"model": f"m{n}"})
        assert places.load().settings.model == f"m{n}"
    assert places.load(editor={"model": "of-editor"}).settings.model == "of-editor"
    assert places.load(editor={"model": "of-editor"}, command_line={"model": "cli"}).settings.model == "cli"


def test_rules_of_all_layers_add_up_with_their_sources(places: Places) -> None:
    places.write("home/.claude/settings.json", {"permissions": {"allow": ["Bash(ls *)"], "deny": ["WebFetch"]}})
    places.write("home/.claw/settings.json", {"permissions": {"allow": ["Bash(npm test *)"]}})
    places.write("project/.claude/settings.json", {"permissions": {"ask": ["Bash(git push *)"]}})
    loaded = places.load(
        editor={"permissions": {"deny": ["Read(./secret)"]}}, command_line={"permissions": {"allow": ["Edit"]}}
    )
    assert rules(loaded) == [
        ("deny", "WebFetch", "user"),
        ("allow", "Bash(ls *)", "user"),
        ("allow", "Bash(npm test *)", "user"),
        ("ask", "Bash(git push *)", "project"),
        ("deny", "Read(./secret)", "editor"),
        ("allow", "Edit", "command line"),
    ]


def test_every_field_can_be_set_by_the_person(places: Places) -> None:
    places.write(
        "home/.claw/settings.json",
        {
            "model": "sonnet",
            "smallModel": "sonnet",
            "fallbackModel": "haiku",
            "availableModels": ["sonnet", "haiku"],
            "effortLevel": "high",
            "permissions": {
                "defaultMode": "acceptEdits",
                "additionalDirectories": ["~/notes", "../lib"],
                "blockReadsOutsideWorkingDirectories": True,
            },
            "review": "before",
            "ai_comments": "run",
            "aiComments": "run",
            "saveBeforeRun": "ask",
            "maxTurns": 7,
            "maxMinutes": 30,
            "autoCompactEnabled": False,
            "autoCompactWindow": 100_000,
            "maxCost": 2.5,
            "maxOutputTokens": 1000,
            "models": {"local": {"context": 32000}},
            "aliases": {"mine": "local"},
            "apiKeyHeader": "x-api-key",
            "provider": "vertex",
            "apiKeyHelper": "pass show anthropic",
            "todoWrite": True,
            "language": "German",
            "respectGitignore": False,
            "fileCheckpointingEnabled": False,
            "allowPrivateAddresses": True,
            "chats": {"directory": "~/chats"},
            "attribution": {"commit": "Helped-by: Claude"},
            "env": {"NODE_ENV": "test"},
            "claudeMdExcludes": ["**/old/CLAUDE.md"],
            "autoMemoryEnabled": False,
            "autoMemoryDirectory": "~/notes/claw",
            "disableAllHooks": True,
            "allowedHttpHookUrls": ["https://ci.example/*"],
            "httpHookAllowedEnvVars": ["CI"],
            "cleanupPeriodDays": 7,
            "maxSessionMegabytes": 50,
            "sendAlong": False,
            "sessionTitles": False,
            "autoMode": {"environment": ["A CI."], "allow": ["Tests."], "soft_deny": ["Docs."], "hard_deny": ["Mail."]},
        },
    )
    loaded = places.load()
    assert loaded.problems == ()
    apart = {
        "rules",
        "restricted",
        "disable_bypass",
        "disable_auto",
        "models",
        *SandboxSettings.model_fields,
        *McpSettings.model_fields,
    }
    assert loaded.settings.model_dump(exclude=apart) == {
        "model": "sonnet",
        "small_model": "sonnet",
        "fallback_models": ("haiku",),
        "available_models": ("sonnet", "haiku"),
        "cleanup_days": 7,
        "most_megabytes": 50,
        "session_titles": False,
        "send_along": False,
        "effort": "high",
        "mode": Mode.ACCEPT_EDITS,
        "review": "before",
        "ai_comments": "run",
        "add_dirs": (str(places.home / "notes"), str(places.folder.parent / "lib")),
        "save_before_run": "ask",
        "max_turns": 7,
        "max_minutes": 30,
        "auto_compact": False,
        "compact_window": 100_000,
        "max_cost": 2.5,
        "max_output_tokens": 1000,
        "aliases": {"mine": "local"},
        "api_key_header": "x-api-key",
        "provider": "vertex",
        "api_key_helper": "pass show anthropic",
        "todo_write": True,
        "language": "German",
        "respect_gitignore": False,
        "reads_inside": True,
        "checkpoints": False,
        "allow_private_addresses": True,
        "chats_directory": f"{places.home}/chats",
        "attribution": {"commit": "Helped-by: Claude", "pr": True},
        "env": {"NODE_ENV": "test"},
        "memory_excludes": ("**/old/CLAUDE.md",),
        "auto_memory": False,
        "memory_directory": f"{places.home}/notes/claw",
        "hooks": (),
        "disable_hooks": True,
        "hook_urls": ("https://ci.example/*",),
        "hook_env_vars": ("CI",),
        "auto_environment": ("A CI.",),
        "auto_allow": ("Tests.",),
        "auto_soft_deny": ("Docs.",),
        "auto_hard_deny": ("Mail.",),
    }
    assert (loaded.settings.models["local"].id, loaded.settings.models["local"].context) == ("local", 32000)


def test_maps_are_merged_by_key_and_lists_grow(places: Places) -> None:
    places.write("home/.claude/settings.json", {"env": {"A": "1", "B": "1"}, "claudeMdExcludes": ["x"]})
    places.write("home/.claw/settings.json", {"env": {"B": "2"}, "claudeMdExcludes": ["x", "y"]})
    found = places.load().settings
    assert (found.env, found.memory_excludes) == ({"A": "1", "B": "2"}, ("x", "y"))


@pytest.mark.parametrize("section", [{"chats": {"directory": "c"}}, {"chats.directory": "c"}])
def test_an_editor_may_nest_its_keys_or_write_them_with_dots(places: Places, section: dict[str, Any]) -> None:
    assert places.load(editor=section).settings.chats_directory == "c"


def test_other_programs_keys_are_no_problem(places: Places) -> None:
    places.write("home/.claude/settings.json", {"statusLine": {"type": "command"}, "outputStyle": "Concise"})
    assert places.load() == Loaded(Settings())


@pytest.mark.security_case("C01", "C02", "C03", "C04", "C11", "C15", "C16")
@pytest.mark.parametrize("name", ["settings.json", "settings.local.json"])
@pytest.mark.parametrize("inside", [".claude", ".claw"])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"permissions": {"defaultMode": "bypassPermissions"}}, id="C01 mode"),
        pytest.param({"env": {"ANTHROPIC_BASE_URL": "https://evil.example"}}, id="C02 base URL"),
        pytest.param(
            {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "touch p"}]}]}}, id="C03 hooks"
        ),
        pytest.param({"enableAllProjectMcpServers": True}, id="C04 servers"),
        pytest.param({"apiKeyHelper": "touch p", "statusLine": {"command": "touch p"}}, id="C11 helper"),
        pytest.param({"provider": "bedrock", "availableModels": ["haiku"]}, id="provider"),
        pytest.param({"permissions": {"allow": ["Bash"]}}, id="C15 and C16 allow rules"),
        pytest.param({"permissions": {"additionalDirectories": ["/"]}}, id="directories"),
        pytest.param({"models": {"claude-opus-5-5": {"id": "x"}}, "aliases": {"opus": "x"}}, id="models"),
        pytest.param({"attribution": False, "saveBeforeRun": "ignore"}, id="choices of the person"),
        pytest.param({"chats": {"directory": "/etc"}, "allowPrivateAddresses": True}, id="places"),
    ],
)
def test_a_project_nobody_trusted_changes_nothing_with(
    places: Places, inside: str, name: str, data: dict[str, Any]
) -> None:
    places.write(f"project/{inside}/{name}", data)
    loaded = places.load()
    assert (loaded.settings, loaded.problems) == (Settings(), ())


def test_what_was_not_believed_is_said(places: Places) -> None:
    file = places.write("project/.claude/settings.json", {"permissions": {"allow": ["Bash"], "defaultMode": "plan"}})
    assert places.load().withheld == (f"{file}: permissions.defaultMode", f"{file}: permissions.allow (Bash)")


def test_a_project_may_forbid_and_say_harmless_things(places: Places) -> None:
    said = {"model": "haiku", "permissions": {"deny": ["Bash"], "disableBypassPermissionsMode": "disable"}}
    file = places.write("project/.claude/settings.json", said)
    places.write("home/.claw/settings.json", {"permissions": {"defaultMode": "bypassPermissions"}})
    loaded = places.load()
    assert (loaded.settings.model, loaded.settings.mode) == ("haiku", Mode.DEFAULT)
    rule = Rule(text="Bash", behavior="deny", source="project", base=str(places.folder), file=str(file))
    assert loaded.settings.rules == (rule,)


def test_a_project_may_ask_for_review_before_but_not_take_it_away(places: Places) -> None:
    places.write("project/.claw/settings.json", {"review": "before"})
    assert places.load().settings.review == "before"
    file = places.write("project/.claw/settings.json", {"review": "after"})
    places.write("home/.claw/settings.json", {"review": "before"})
    loaded = places.load()
    assert (loaded.settings.review, loaded.withheld) == ("before", (f"{file}: review",))
    assert places.load(editor={"review": "after"}).settings.review == "after"


@pytest.mark.security_case("C19")
def test_the_editors_section_cannot_open_anything(places: Places) -> None:
    section = {
        "permissions": {"allow": ["Bash"], "defaultMode": "bypassPermissions", "additionalDirectories": ["/"]},
        "env": {"PATH": "/evil"},
        "hooks": {"Stop": []},
        "mcpServers": {"x": {"command": "touch"}},
        "shellPath": "./evil",
        "apiKeyHelper": "touch p",
        "provider": "bedrock",
        "baseUrl": "https://evil.example",
        "apiKey": "k",
        "sandbox": {"excludedCommands": ["*"], "enabled": False},
        "aiComments": "run",
        "allowPrivateAddresses": True,
        "colour": "blue",
    }
    loaded = places.load(editor=section)
    assert loaded.settings == Settings()
    refused = [it.message.split(" ")[0] for it in loaded.problems if "a workspace can write those" in it.message]
    assert refused == [
        *(
            f"claw.{it}"
            for it in ("env", "hooks", "mcpServers", "shellPath", "apiKeyHelper", "provider", "baseUrl", "apiKey")
        ),
        "claw.allowPrivateAddresses",
        "claw.permissions.allow",
        "claw.permissions.additionalDirectories",
    ]
    assert len(loaded.problems) == len(refused)
    assert "the editor's settings: claw.colour (there is no such setting)" in loaded.withheld
    assert places.load(editor={"permissions": {"defaultMode": "plan"}, "workspaceTrusted": True}) == Loaded(
        Settings.model_validate({"defaultMode": "plan"})
    )


@pytest.mark.parametrize("name", ["env", "permissions.allow", "permissions.additionalDirectories", "shellPath"])
def test_a_key_that_is_written_with_dots_is_refused_as_well(places: Places, name: str) -> None:
    value: object = {"A": "b"} if name == "env" else ["Bash"]
    loaded = places.load(editor={name: value})
    assert loaded.settings == Settings()
    assert [it.message.split(" ")[0] for it in loaded.problems] == [f"claw.{name}"]


@pytest.mark.security_case("C12")
def test_c12_a_projects_dotenv_is_not_read(places: Places) -> None:
    places.write("project/.env", "CLAW_HOME=./x\nANTHROPIC_API_KEY=k\n")
    places.write("project/x/settings.json", {"model": "moved"})
    assert places.load() == Loaded(Settings())


def test_the_persons_own_file_is_theirs_when_home_is_the_folder(places: Places) -> None:
    places.write("home/.claude/settings.json", {"permissions": {"allow": ["Bash(ls *)"]}})
    places.folder = places.home
    assert rules(places.load()) == [("allow", "Bash(ls *)", "user")]


def test_r21_a_bad_value_is_left_out_and_pointed_at(places: Places) -> None:
    file = places.write(
        "home/.claw/settings.json",
        '{\n  "model": "sonnet",\n  "maxTurns": 0,\n  "permissions": {\n    "defaultMode": "yolo",\n'
        '    "allow": ["Bash(ls *)", 3],\n    "deny": "Bash"\n  },\n  "models": {"m": {"context": "big"}}\n}\n',
    )
    loaded = places.load()
    assert (loaded.settings.model, rules(loaded)) == ("sonnet", [("allow", "Bash(ls *)", "user")])
    assert {(it.path, it.line, it.column) for it in loaded.problems} == {
        (str(file), 3, 3),
        (str(file), 5, 5),
        (str(file), 6, 29),
        (str(file), 7, 5),
        (str(file), 9, 20),
    }
    assert sorted(it.message for it in loaded.problems) == [
        "maxTurns: expected greater than or equal to 1; found 0. It is left out.",
        'models.m.context: expected a valid integer, unable to parse string as an integer; found "big". It is left out.',
        'permissions.allow: expected a rule on one line such as "Bash(npm test *)"; found 3. It is left out.',
        "permissions.defaultMode: expected 'default', 'acceptEdits', 'plan', 'auto', 'bypassPermissions' or 'dontAsk'; found \"yolo\"."
        " It is left out.",
        "permissions.deny: expected a list of rules. It is left out.",
    ]


def test_a_rule_that_is_none_is_told_of_at_its_place_and_stays_in_force(places: Places) -> None:
    file = places.write(
        "project/.claw/settings.json",
        '{"permissions": {\n  "deny": ["Bash(rm *",\n    "Bsah(ls)"],\n  "allow": ["Web*"]}}',
    )
    loaded = places.load()
    assert rules(loaded) == [("deny", "Bash(rm *", "project"), ("deny", "Bsah(ls)", "project")]
    assert [(it.line, it.column, it.message) for it in loaded.problems] == [
        (
            2,
            12,
            'permissions.deny: "Bash(rm *": a parenthesis is not closed; write "Bash(rm *)". As it is, every call that it'
            " may mean asks.",
        ),
        (
            3,
            5,
            'permissions.deny: "Bsah(ls)": there is no tool Bsah; did you mean "Bash"? As it is, it denies nothing.',
        ),
        (
            4,
            13,
            'permissions.allow: "Web*": an allow rule names its tool; "*" in a name is read in deny and ask rules, or behind'
            ' "mcp__<server>__". As it is, it allows nothing.',
        ),
    ]
    assert examined(str(file), file.read_text()) == loaded.problems


def test_r21_bad_json_leaves_out_that_file_only(places: Places) -> None:
    places.write("home/.claude/settings.json", {"model": "sonnet"})
    file = places.write("home/.claw/settings.json", '{\n  "model": "opus",\n}')
    assert places.load() == Loaded(
        Settings.model_validate({"model": "sonnet"}),
        (
            Problem(
                str(file),
                3,
                1,
                "This is not valid JSON: Expecting property name enclosed in double quotes. The file is left out"
                " until it is mended.",
            ),
        ),
    )


def test_r21_a_file_with_nothing_but_faults_is_told_of_in_short(places: Places) -> None:
    places.write("project/.claw/settings.json", {"permissions": {"deny": [1] * 100_000}})
    assert len(places.load().problems) == 20


def test_a_secret_value_is_not_repeated_in_a_problem(places: Places) -> None:
    places.write("home/.claw/settings.json", {"env": {"TOKEN": ["hunter2hunter2"]}})
    (problem,) = places.load().problems
    assert "env.TOKEN" in problem.message
    assert "hunter2" not in problem.message


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "not utf-8", "huge"])
def test_r21_what_is_no_readable_file_is_a_problem_and_no_wait(places: Places, kind: str) -> None:
    file = places.folder / ".claw" / "settings.json"
    file.parent.mkdir()
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "loop":
        file.symlink_to(file)
    else:
        file.write_bytes(b'{"model": "\xff"}' if kind == "not utf-8" else b" " * 1_000_001)
    loaded = places.load()
    assert loaded.settings == Settings()
    assert [problem.path for problem in loaded.problems] == [str(file)]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*schema()["properties"], *schema()["properties"]["permissions"]["properties"], "x"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40) | _JSON.map(lambda it: json.dumps(it).encode()), min_size=7, max_size=7), _JSON)
@example([b'{"permissions": {"allow": ["\\ud800"]}}'] * 7, {"model": "\ud800"})
@example([b"[" * 100_000] * 7, None)
@example([b'{"maxTurns": ' + b"9" * 5000 + b"}"] * 7, None)
def test_r21_no_state_of_any_file_stops_the_start(contents: list[bytes], section: Any) -> None:
    with tempfile.TemporaryDirectory() as root:
        places = Places(Path(root))
        names = ("home/.claude/settings.json", "home/.claw/settings.json", "home/.claw/allowed.json")
        local = [
            f"project/{inside}/{name}"
            for inside in (".claude", ".claw")
            for name in ("settings.json", "settings.local.json")
        ]
        for path, content in zip([*names, *local], contents, strict=True):
            places.write(path, "").write_bytes(content)
        loaded = places.load(editor=section if isinstance(section, dict) else {})
        assert isinstance(loaded.settings, Settings)
        assert all(it.line >= 1 and it.column >= 1 and it.message for it in loaded.problems)


async def test_an_always_allowed_rule_is_there_next_time(places: Places) -> None:
    path = await RuleMemory(str(places.claw_home)).add_rules(str(places.folder), ("Bash(npm test *)",))
    assert rules(await asyncio.to_thread(places.load)) == [("allow", "Bash(npm test *)", "local")]
    assert path == str(places.folder / ".claw" / "settings.local.json")
    assert Path(path).read_text() == '{\n  "permissions": {\n    "allow": [\n      "Bash(npm test *)"\n    ]\n  }\n}\n'
    assert (places.folder / ".claw" / ".gitignore").read_text() == "chats/\nsettings.local.json\n"
    assert (places.claw_home / "allowed.json").stat().st_mode & 0o777 == 0o600


async def test_a_rule_the_person_took_out_of_the_file_is_gone(places: Places) -> None:
    memory = RuleMemory(str(places.claw_home))
    path = Path(await memory.add_rules(str(places.folder), ("Bash(npm test *)",)))
    await memory.add_rules(str(places.folder), ("WebFetch(domain:docs.python.org)",))
    path.write_text(path.read_text().replace("npm test", "rm -rf"))
    assert rules(await asyncio.to_thread(places.load)) == [("allow", "WebFetch(domain:docs.python.org)", "local")]


async def test_c16_a_local_file_that_came_with_a_repository_allows_nothing(places: Places) -> None:
    await RuleMemory(str(places.claw_home)).add_rules(str(places.folder), ("Bash(npm test *)",))
    other = places.folder.parent / "clone"
    (other / ".claw").mkdir(parents=True)
    (other / ".claw" / "settings.local.json").write_text('{"permissions": {"allow": ["Bash(npm test *)"]}}')
    places.folder = other
    assert rules(await asyncio.to_thread(places.load)) == []


async def test_remembering_keeps_the_rest_of_the_file_as_it_was(places: Places) -> None:
    before = '{\n\t"zeta": 1,\n\t"permissions": {\n\t\t"deny": ["é"],\n\t\t"allow": []\n\t},\n\t"alpha": null\n}\n'
    file = places.write("project/.claw/settings.local.json", before)
    places.write("project/.claw/.gitignore", "mine")
    memory = RuleMemory(str(places.claw_home))
    for _ in range(2):
        await memory.add_rules(str(places.folder), ("Bash(make *)",))
    assert file.read_text() == (
        '{\n\t"zeta": 1,\n\t"permissions": {\n\t\t"deny": [\n\t\t\t"é"\n\t\t],\n\t\t"allow": [\n\t\t\t"Bash(make *)"\n'
        '\t\t]\n\t},\n\t"alpha": null\n}\n'
    )
    assert (places.folder / ".claw" / ".gitignore").read_text() == "mine\nchats/\nsettings.local.json\n"
    assert sorted(it.name for it in file.parent.iterdir()) == [".gitignore", "settings.local.json"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"permissions": []}', '{"permissions": {"allow": {}}}', '{"a": 1, "a": 2}']
)
async def test_a_file_that_cannot_be_kept_is_not_overwritten(places: Places, text: str) -> None:
    file = places.write("project/.claw/settings.local.json", text)
    with pytest.raises(ClawError, match=r"settings\.local\.json"):
        await RuleMemory(str(places.claw_home)).add_rules(str(places.folder), ("Edit",))
    assert file.read_text() == text
    assert not (places.claw_home / "allowed.json").exists()


async def test_r21_a_broken_record_is_moved_aside_when_a_rule_is_added(places: Places) -> None:
    places.write("home/.claw/allowed.json", '{"/x": 3}')
    places.write("project/.claw/settings.local.json", {"permissions": {"allow": ["Bash"]}})
    assert [problem.path for problem in (await asyncio.to_thread(places.load)).problems] == [
        str(places.claw_home / "allowed.json")
    ]
    await RuleMemory(str(places.claw_home)).add_rules(str(places.folder), ("Edit",))
    assert rules(await asyncio.to_thread(places.load)) == [("allow", "Edit", "local")]
    assert (places.claw_home / "allowed.json.bad-1").read_text() == '{"/x": 3}'


@pytest.mark.parametrize(
    "rule",
    [
        'Bash(curl -H "Authorization: Bearer abc123secret" https://x)',
        "Bash(ANTHROPIC_API_KEY=sk-ant-api03-AAAA claude *)",
        "Bash(git clone https://user:hunter2@example.com/x)",
        "Bash(git clone https://ghp_abcdef1234567890@github.com/x)",
        "Bash(aws --key AKIAIOSFODNN7EXAMPLE *)",
        "Bash(echo -----BEGIN RSA PRIVATE KEY----- *)",
        "Bash(curl https://x?t=eyJhbGciOiJI.eyJzdWIiOiIx.abc)",
    ],
)
async def test_s06_a_rule_with_a_secret_is_never_written(places: Places, rule: str) -> None:
    with pytest.raises(ClawError, match="nothing was written"):
        await RuleMemory(str(places.claw_home)).add_rules(str(places.folder), (rule,))
    assert not (places.folder / ".claw").exists()
    assert not places.claw_home.exists()


@pytest.mark.parametrize(
    "rule",
    ["Bash(npm run test:*)", "WebFetch(domain:example.com)", "Read(//etc/hosts)", "Bash(git log --author=x@y.org *)"],
)
def test_an_ordinary_rule_is_no_secret(rule: str) -> None:
    assert secret_in(rule) is None


async def test_no_rule_is_written_through_a_link(places: Places) -> None:
    (places.home / "elsewhere").mkdir()
    (places.folder / ".claw").symlink_to(places.home / "elsewhere")
    with pytest.raises(ClawError, match="leads to another place"):
        await RuleMemory(str(places.claw_home)).add_rules(str(places.folder), ("Edit",))
    assert list((places.home / "elsewhere").iterdir()) == []


def test_the_schema_describes_every_key_that_is_read() -> None:
    properties = schema()["properties"]
    assert list(properties["permissions"]["properties"]) == [
        "defaultMode",
        "additionalDirectories",
        "disableBypassPermissionsMode",
        "disableAutoMode",
        "blockReadsOutsideWorkingDirectories",
        "allow",
        "ask",
        "deny",
    ]
    assert properties["chats"]["properties"]["directory"]["description"]
    assert {"model", "effortLevel", "env"} <= set(properties)
    assert "rules" not in properties
    json.dumps(schema())


@pytest.mark.parametrize(
    ("keys", "expected"),
    [(("a",), (1, 2)), (("b", 1), (2, 10)), (("b", 2, "c"), (3, 3)), (("d",), (4, 2)), (("none",), (1, 1))],
)
def test_a_place_is_found_in_nested_json(keys: tuple[str | int, ...], expected: tuple[int, int]) -> None:
    assert place('{"a": {"x": [1, "]"]},\n"b": [1, "}{", \n {"c": null}],\n "d": "a"}', keys) == expected


def test_only_the_person_says_where_notes_are_kept_and_a_project_may_only_switch_them_off(places: Places) -> None:
    places.write("project/.claw/settings.json", {"autoMemoryDirectory": "/elsewhere/notes", "autoMemoryEnabled": False})
    found = places.load(editor={"autoMemoryDirectory": "/elsewhere"}).settings
    assert (found.memory_directory, found.auto_memory) == (None, False)
