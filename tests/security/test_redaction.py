"""S02, S04: credentials in logs, errors and messages; what is left of ordinary sentences; never slow."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from claw_lsp.app.logs import Redacting, set_up
from claw_lsp.core.export import FORMATS, Format, exported
from claw_lsp.core.fold import fold
from claw_lsp.core.redaction import names_secret, redacted, secret_in, secrets_of
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Result
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Entry,
    Event,
    ModelSpoke,
    SessionStarted,
    TurnEnded,
    UserSpoke,
)
from claw_lsp.facts.fault import BadRequest
from claw_lsp.lsp.transport.server import DoorServer
from claw_lsp.testing.fakes import MemoryLog
from claw_lsp.testing.wire import WireError, connected

A, B = "A" * 40, "b1" * 20
SECRETS = [
    "sk-ant-api03-AAAA-bbbb_cccc",
    f"sk-{A}",
    "ghp_abcdef123456",
    "github_pat_11ABC_def",
    "glpat-abcdef123456",
    "AKIAIOSFODNN7EXAMPLE",
    f"AIza{B}",
    "xoxb-1234-5678-abcd",
    "sk_live_abcdefgh1234",
    f"npm_{A}",
    f"pypi-{A}",
    f"eyJ{A}.eyJ{B}.sig-nature",
]
"""Each stands for itself, whatever is around it."""


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "failed: {} is not valid.", "'{}'", "https://x.example/?k={}&a=1", "x={};"])
def test_a_credential_is_taken_out_wherever_it_stands(secret: str, around: str) -> None:
    said = redacted(around.format(secret))
    assert secret not in said
    assert "left out›" in said
    assert secret_in(around.format(secret))


@pytest.mark.parametrize(
    ("line", "gone"),
    [
        ("x-api-key: sk-ant-api03-AAAA", "AAAA"),
        ("X-Api-Key:hunter22", "hunter22"),
        ("Authorization: Bearer abc123secret", "abc123secret"),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("authorization: hunter22", "hunter22"),
        ("Bearer abcdef0123", "abcdef0123"),
        ("cloning https://me:pw1@example.com/r.git", "pw1"),
        ("cloning https://abcdefghijklmnop0@example.com/r.git", "abcdefghijklmnop0"),
        ("password=hunter2!x", "hunter2"),
        ('{"api_key": "k3y-of-a-gateway"}', "k3y-of"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc", "MIIabc"),
    ],
)
@pytest.mark.security_case("S02")
def test_a_line_about_a_credential_keeps_the_rest(line: str, gone: str) -> None:
    assert gone in line
    assert gone not in redacted(f"before {line} after")
    assert redacted(f"before {line}").startswith("before ")


@pytest.mark.parametrize(
    "sentence",
    [
        "token: expected a string, found null",
        "The key from ANTHROPIC_API_KEY is empty. Copy it again, whole and alone.",
        "the ask rule Bash(git push *) from user",
        "https://docs.example.org/a@b?c=d",
        "skeleton-key and task-list are words; so is basic training",
        "12 secrets were found: none of them here",
        "src/token.py:12: unexpected token ')'",
    ],
)
def test_ordinary_sentences_stay(sentence: str) -> None:
    assert redacted(sentence) == sentence


def test_values_of_telling_variables_are_known_whatever_they_look_like() -> None:
    environment = {
        "GATEWAY_TOKEN": "open sesame now",
        "MY_KEY_2": "open sesame now and then",
        "KEY": "us",
        "PATH": "/usr/bin:/bin",
    }
    known = secrets_of(environment)
    assert known == ("open sesame now and then", "open sesame now")
    assert redacted("got open sesame now and then, and open sesame now", known).count("left out") == 2
    assert names_secret("db_password") and names_secret("AWS_SECRET_ACCESS_KEY") and not names_secret("HOME")


@given(st.text(max_size=300), st.sampled_from(SECRETS), st.text(max_size=300))
def test_no_surrounding_text_keeps_a_key(before: str, secret: str, after: str) -> None:
    said = redacted(f"{before} {secret} {after}")
    assert secret not in said
    assert redacted(said) == said or secret not in redacted(said)


@pytest.mark.parametrize(
    "piece",
    ["eyJ-", "eyJ.", "://a:", "://", "-----BEGIN PRIVATE KEY", "bearer ", "token=", "sk-ant-", "password:\t", "a" * 7],
)
def test_a_megabyte_made_to_be_slow_is_not(piece: str) -> None:
    """Each would take minutes if a pattern looked at it more than a few times; the test's time limit says no."""
    assert redacted(piece * (1_000_000 // len(piece))) is not None


@pytest.mark.security_case("S02")
def test_a_log_line_and_its_traceback_hold_no_key_and_no_control_codes() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Redacting(("gateway-secret-1",)))
    logger = logging.Logger("t")
    logger.addHandler(handler)
    logger.warning("sent %s", "x-api-key: sk-ant-api03-AAAA")
    logger.warning("%s", "\x1b]8;;https://evil.example\x07ok\u202e")
    try:
        raise ValueError("no such key: sk-ant-api03-BBBB, nor gateway-secret-1")
    except ValueError:
        logger.exception("it failed")
    said = out.getvalue()
    assert "Traceback" in said
    assert not re.search(r"AAAA|BBBB|gateway-secret|[\x1b\x07\u202e]", said)


def test_a_log_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    root, path = logging.getLogger(), tmp_path / "claw.log"
    before, level = list(root.handlers), logging.getLogger("claw_lsp").level
    try:
        root.handlers = []
        set_up({"CLAW_LOG": f"info,{path}", "SOME_TOKEN": "plant-of-the-test"})
        logging.getLogger("claw_lsp.t").info("here is plant-of-the-test")
        assert "plant" not in path.read_text("utf-8")
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(BadRequest, match="cannot be written"):
            set_up({"CLAW_LOG": "/nowhere/at/all.log"})
    finally:
        for it in root.handlers:
            it.close()
        root.handlers = before
        logging.getLogger("claw_lsp").setLevel(level)


def test_what_nothing_caught_is_said_without_the_secrets_in_it(tmp_path: Path) -> None:
    """In a process of its own, whose main thread and another one fail."""
    failing = (
        "import threading\nfrom claw_lsp.app.logs import set_up\nset_up({'MY_TOKEN': 'plain words'})\n"
        f"def fails(): raise ValueError('{SECRETS[0]} and plain words')\n"
        "it = threading.Thread(target=fails); it.start(); it.join()\nfails()"
    )
    ran = subprocess.run([sys.executable, "-c", failing], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.count("ValueError ended this") == 2
    assert SECRETS[0] not in ran.stderr.replace(failing, "")
    assert "plain words" not in ran.stderr


@pytest.mark.parametrize(
    "event",
    [
        TurnEnded(run="r", stopped="failed", why=f"The provider said: {SECRETS[0]} is wrong."),
        ModelSpoke(blocks=(), fault=f"broke off at {SECRETS[0]}"),
        CallJudged(call_id="c", decision="deny", by="rule", reason=f"no rule decides curl -H 'x: {SECRETS[0]}'"),
    ],
    ids=lambda it: it.kind,
)
def test_the_session_log_keeps_no_key_in_its_texts_about_faults(event: Event) -> None:
    log = MemoryLog()
    session = Session(log)
    session.write(event)
    assert SECRETS[0] not in log.entries[0].event.model_dump_json()
    assert session.state == fold(it.event for it in log.entries)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("secret", [*SECRETS, "-----BEGIN PRIVATE KEY-----\nMIIabc", "https://me:hunter22@x.example/"])
def test_what_is_exported_holds_no_credential_and_all_of_the_rest(format_: Format, secret: str) -> None:
    call = {
        "type": "tool_use",
        "id": "c1",
        "name": "Bash",
        "input": {"command": f"first {secret}", "description": "second"},
    }
    events: list[Event] = [
        SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=(), context=f"third {secret}"),
        UserSpoke(run="r", prompt_id="r", text=f"fourth {secret}", blocks=({"type": "text", "text": secret},)),
        ModelSpoke(blocks=({"type": "text", "text": f"fifth {secret}"}, call), model="m"),
        CallFinished(call_id="c1", result=Result(content=f"sixth {secret}", summary="seventh")),
        TurnEnded(run="r", stopped="failed", why=f"eighth {secret}"),
    ]
    document = exported([Entry(n=n, at=float(n), event=it) for n, it in enumerate(events, 1)], format_)
    assert secret not in document and "MIIabc" not in document and "hunter22" not in document
    assert all(word in document for word in ("first", "second", "fourth", "fifth", "sixth", "eighth"))
    if format_ == "json":
        assert [it["event"]["kind"] for it in json.loads(document)["entries"]] == [it.kind for it in events]


@pytest.mark.security_case("S04")
async def test_a_bug_in_a_handler_tells_the_client_its_class_and_where_it_is_logged_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = DoorServer("t", "1")

    @server.command("bug")
    async def bug() -> None:
        raise ValueError(f"/home/me/x.py {SECRETS[0]} token")

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.protocol.notify("window/logMessage", {"type": 1, "message": f"saw {SECRETS[0]}"})
        server.protocol.notify("window/showMessage", {"type": 1, "message": f"saw {SECRETS[2]}"})

    async with connected(server) as client:
        await client.initialize()
        with pytest.raises(WireError) as caught:
            await client.request("workspace/executeCommand", {"command": "bug"})
        client.notify("textDocument/didSave", {"textDocument": {"uri": "file:///a"}})
        said = [await client.next_notification(it) for it in ("window/logMessage", "window/showMessage")]
    assert caught.value.data is None
    found = re.fullmatch(
        r"workspace/executeCommand: internal error \(ValueError\); the server's log says more under (\w{8})",
        caught.value.message,
    )
    assert found and found[1] in caplog.text
    assert [it["message"][:4] for it in said] == ["saw "] * 2
    assert not any(secret in str(said) for secret in SECRETS)
