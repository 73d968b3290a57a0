"""The command line around the doors: usage, version, sessions, schemas, doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import CLAW, shell

from claw_lsp.testing.messages_api import MessagesApi, script
from claw_lsp.testing.wire import spawned


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("frobnicate",), "frobnicate"),
        (("run",), "PROMPT"),
        (("run", "  "), "PROMPT: expected some words"),
        (("run", "x", "--permission-mode", "yolo"), "yolo"),
        (("run", "x", "--output-format", "xml"), "xml"),
        (("run", "x", "--max-turns", "0"), "from 1 on"),
        (("run", "x", "--cwd", "nowhere"), "nowhere is not a folder"),
        (("run", "x", "--continue", "--resume", "y"), "not allowed with"),
        (("serve", "--tcp", "70000"), "0 to 65535"),
        (("serve", "--tcp", "1", "--ws", "2"), "not allowed with"),
        (("init", "ed"), "ed"),
        (("init",), "EDITOR"),
        (("sessions",), "COMMAND"),
        (("schema", "nothing"), "nothing"),
    ],
)
async def test_what_cannot_be_obeyed_exits_2_and_says_why_on_stderr(
    tmp_path: Path, argv: tuple[str, ...], told: str
) -> None:
    ended = await shell(tmp_path).claw(*argv)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert "Traceback" not in ended.err


async def test_a_log_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    ended = await shell(tmp_path, CLAW_LOG="/nowhere/claw.log").claw("doctor")
    assert (ended.code, ended.err) == (
        2,
        "claw-lsp: CLAW_LOG: /nowhere/claw.log cannot be written: No such file or directory\n",
    )


async def test_claw_log_takes_a_level_and_a_file(tmp_path: Path) -> None:
    log = tmp_path / "claw.log"
    here = shell(tmp_path, CLAW_LOG=f"debug,{log}")
    async with spawned(CLAW, here.environment, here.folder) as client:
        await client.initialize()
    assert log.exists()
    assert log.stat().st_mode & 0o077 == 0, "only its owner reads it"


async def test_version_is_the_packages(tmp_path: Path) -> None:
    ended = await shell(tmp_path).claw("--version")
    assert (ended.code, ended.out.split()[0]) == (0, "claw-lsp")
    assert ended.out.split()[1][0].isdigit()


async def test_help_lists_every_command_that_works(tmp_path: Path) -> None:
    ended = await shell(tmp_path).claw("--help")
    named = [line.split()[0] for line in ended.out.splitlines() if line.startswith("    ") and line[4] != " "]
    assert (ended.code, named) == (
        0,
        [
            "serve",
            "demo",
            "init",
            "run",
            "sessions",
            "trace",
            "replay",
            "permissions",
            "hooks",
            "mcp",
            "doctor",
            "schema",
        ],
    )


@pytest.mark.parametrize("argv", [(), ("serve",), ("--stdio",), ("serve", "--stdio", "--clientProcessId=1")])
async def test_serve_is_what_is_meant_without_a_command(tmp_path: Path, argv: tuple[str, ...]) -> None:
    here = shell(tmp_path)
    async with spawned((*CLAW, *argv), here.environment, here.folder) as client:
        said = await client.initialize()
        assert said["serverInfo"]["name"] == "claw-lsp"
        assert "claw.fix" in said["capabilities"]["executeCommandProvider"]["commands"]


async def test_sessions_are_listed_and_shown_by_how_their_id_begins(tmp_path: Path) -> None:
    async with MessagesApi(script("Hello.")) as api:
        here = shell(tmp_path, api.url)
        session = (await here.claw("run", "say hello", "--output-format", "json")).json["session_id"]
        listed = await here.claw("sessions", "list")
        shown = await here.claw("sessions", "show", session[:8])
    assert (listed.code, shown.code) == (0, 0)
    assert listed.out.startswith(session)
    assert "say hello" in listed.out
    kinds = [line.split()[0] for line in shown.out.splitlines() if line]
    assert kinds == ["session", "user", "model", "end", "used", "log"]


async def test_sessions_that_are_not_there_are_said_on_stderr(tmp_path: Path) -> None:
    here = shell(tmp_path)
    listed, shown = await here.claw("sessions", "list"), await here.claw("sessions", "show", "00000000")
    assert (listed.code, listed.out, shown.code, shown.out) == (0, "", 1, "")
    assert "No sessions" in listed.err
    assert "There is no session 00000000" in shown.err


async def test_schema_prints_the_schemas_of_settings_events_and_commands(tmp_path: Path) -> None:
    here = shell(tmp_path)
    every, one = await here.claw("schema"), await here.claw("schema", "settings")
    assert list(every.json) == ["settings", "events", "commands"]
    assert every.json["settings"] == one.json
    assert "permissions" in one.json["properties"]
    assert "turn_ended" in every.json["events"]["discriminator"]["mapping"]
    assert "prompt" in every.json["commands"]["claw.ask"]["required"]


async def test_doctor_finds_what_is_there_and_never_shows_the_key(tmp_path: Path) -> None:
    ended = await shell(tmp_path, "http://127.0.0.1:9").claw("doctor")
    said = {line[9:20].strip(): line[:7].strip() for line in ended.out.splitlines()}
    assert ended.code == 0
    asked = {"provider", "endpoint", "key", "model"}
    assert set(said) == asked | {"python", "git", "bash", "ripgrep", "sandbox", "CLAW_HOME", "trust", "mcp"}
    assert set(said.values()) == {"ok"}
    assert "found in ANTHROPIC_API_KEY" in ended.out
    assert "sk-ant" not in ended.out


async def test_doctor_says_what_the_folders_files_want_and_do_not_get(tmp_path: Path) -> None:
    here = shell(tmp_path, "http://127.0.0.1:9")
    settings = here.folder / ".claw" / "settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"permissions": {"allow": ["Bash(make *)"]}}))
    ended = await here.claw("doctor")
    assert f"trust      {here.folder} is not trusted yet; 1 thing in its files" in ended.out


async def test_doctor_exits_1_without_a_key_and_says_how_to_give_one(tmp_path: Path) -> None:
    ended = await shell(tmp_path).claw("doctor")
    assert ended.code == 1
    assert "BROKEN   key        none: set ANTHROPIC_API_KEY" in ended.out


async def test_doctor_calls_a_credentials_file_that_others_can_read_broken(tmp_path: Path) -> None:
    here = shell(tmp_path)
    (here.home / "claw").mkdir(mode=0o700)
    file = here.home / "claw" / "credentials.json"
    file.write_text(json.dumps({"api_key": "sk-ant-secret"}))
    file.chmod(0o644)
    ended = await here.claw("doctor")
    assert ended.code == 1
    assert f"chmod 600 {file}" in ended.out
    assert "sk-ant-secret" not in ended.out


async def test_doctor_tells_the_provider_its_address_the_model_and_where_the_key_comes_from(tmp_path: Path) -> None:
    here = shell(tmp_path, CLAUDE_CODE_USE_BEDROCK="1", AWS_REGION="eu-west-1", AWS_BEARER_TOKEN_BEDROCK="bedrock-key")
    ended = await here.claw("doctor")
    said = {line[9:19].strip(): line[20:] for line in ended.out.splitlines()}
    assert said["provider"] == "Amazon Bedrock"
    assert said["endpoint"] == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert said["key"] == "AWS_BEARER_TOKEN_BEDROCK"
    assert said["model"] == "claude-opus-5-5"
    assert "bedrock-key" not in ended.out + ended.err


async def test_doctor_says_what_a_provider_lacks(tmp_path: Path) -> None:
    ended = await shell(tmp_path, CLAUDE_CODE_USE_FOUNDRY="1").claw("doctor")
    assert ended.code == 1
    assert (
        "BROKEN   provider   Microsoft Foundry is the provider, and ANTHROPIC_FOUNDRY_RESOURCE is not set." in ended.out
    )
