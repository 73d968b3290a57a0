"""The kept messages of a connection: which words of them, how many, and to which session they belong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.adapters.wire import Growing, WireLog, WireLogs
from claw_lsp.adapters.wire.digest import LONGEST, Digest, Direction
from claw_lsp.adapters.wire.log import MOST_KEPT
from claw_lsp.facts.wire import WireMessage
from claw_lsp.testing.fakes import FakeClock

KEY = "sk-ant-REDACTED"


def body(**fields: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **fields}).encode()


def command(id_: int, **arguments: Any) -> bytes:
    params = {"command": "claw.ask", "arguments": [arguments]}
    return body(id=id_, method="workspace/executeCommand", params=params)


def kept(to: Direction, *bodies: bytes, known: tuple[str, ...] = ()) -> list[WireMessage | None]:
    digest = Digest(known)
    return [digest.of(float(n), to, it) for n, it in enumerate(bodies)]


def closed(log: WireLog) -> list[str]:
    log.close()
    return log.path.read_text("utf-8").splitlines()


def test_an_answer_is_told_with_the_method_and_the_time_of_its_request() -> None:
    digest = Digest()
    digest.of(1.0, "server", command(7, prompt="hi"))
    # The server asks under the same number: the two are not mixed up.
    digest.of(1.1, "client", body(id=7, method="workspace/applyEdit", params={"label": "Fix", "edit": {"changes": {}}}))
    answer = body(id=7, result={"session": "s", "run": "r"})
    ours = digest.of(1.25, "client", answer)
    theirs = digest.of(1.5, "server", body(id=7, error={"code": 1, "message": "no"}))
    assert ours == WireMessage(
        at=1.25,
        to="client",
        kind="answer",
        method="workspace/executeCommand",
        size=len(answer),
        id=7,
        ms=250.0,
        said='{"session":"s","run":"r"}',
        session="s",
    )
    assert theirs is not None
    assert (theirs.method, theirs.ms, theirs.fault) == ("workspace/applyEdit", 400.0, "no")


def test_the_text_of_files_is_never_kept_and_neither_is_a_credential() -> None:
    secret = "the words of a file"
    document = {"uri": "file:///w/a", "version": 2, "text": secret}
    edit = {"changes": {"file:///w/a": [{"newText": secret}]}}
    messages = kept(
        "server",
        body(method="textDocument/didOpen", params={"textDocument": document}),
        body(method="textDocument/didChange", params={"textDocument": document, "contentChanges": [{"text": secret}]}),
        body(id=1, method="workspace/applyEdit", params={"label": "Edit", "edit": edit}),
        body(id=2, method="claw/diff", params={"uri": "file:///w/a", "before": secret, "after": secret}),
        body(id=3, method="initialize", params={"initializationOptions": {"token": KEY}, "clientInfo": {"name": "x"}}),
        body(method="unheard/of", params={"text": secret, "key": KEY}),
        command(4, prompt=f"use {KEY} and hunter22hunter22"),
        known=("hunter22hunter22",),
    )
    said = " ".join(it.model_dump_json() for it in messages if it)
    assert len([it for it in messages if it]) == 7
    assert secret not in said
    assert KEY not in said
    assert "hunter22" not in said
    assert "file:///w/a" in said


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda it: json.dumps(it).encode())
)
def test_what_is_no_message_is_left_out_whatever_it_is(data: bytes) -> None:
    assert Digest().of(0.0, "server", data) is None


@given(st.text(max_size=2000))
def test_what_is_kept_of_a_message_is_short(prompt: str) -> None:
    (message,) = kept("server", command(1, prompt=prompt))
    assert message is not None
    assert len(message.said) <= LONGEST


def test_a_connection_keeps_its_latest_messages_in_two_files_of_bounded_size(tmp_path: Path) -> None:
    log = WireLog(tmp_path, FakeClock().now, most=2_000)
    for n in range(100):
        log("server", body(id=n, method="textDocument/hover", params={}))
    newest = closed(log)
    before = log.path.with_name(f"{log.path.name}.1").read_text("utf-8").splitlines()
    ids = [json.loads(it)["id"] for it in before + newest]
    assert ids == list(range(ids[0], 100))
    assert ids[0] > 0
    assert sum(map(len, newest)) <= 2_000
    assert {it.name for it in log.path.parent.iterdir()} == {log.path.name, f"{log.path.name}.1"}


def test_only_the_latest_connections_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "wire"
    folder.mkdir()
    for n in range(MOST_KEPT + 5):
        (folder / f"19700101-0000{n:02}-1.jsonl").write_text("")
        (folder / f"19700101-0000{n:02}-1.jsonl.1").write_text("")
    log = WireLog(tmp_path, FakeClock().now)
    log("server", body(method="initialized", params={}))
    assert len(closed(log)) == 1
    assert len(list(folder.glob("*.jsonl"))) == MOST_KEPT
    assert not (folder / "19700101-000000-1.jsonl.1").exists()


def test_where_nothing_can_be_written_the_messages_go_on_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "wire").write_text("a file in its place")
    log = WireLog(tmp_path, FakeClock().now)
    log("server", body(method="initialized", params={}))
    log.close()
    log("server", body(method="initialized", params={}))
    assert (tmp_path / "wire").read_text() == "a file in its place"


def connection(root: Path, name: str) -> Callable[..., None]:
    """A file of messages that can be written to."""
    path = root / "wire" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)

    def says(method: str, session: str = "") -> None:
        message = WireMessage(at=1.0, to="server", kind="request", method=method, size=1, session=session)
        with path.open("a") as file:
            file.write(message.model_dump_json() + "\n")

    return says


def test_the_messages_of_a_session_are_those_of_its_connections_without_what_names_another(tmp_path: Path) -> None:
    ours, theirs = connection(tmp_path, "a"), connection(tmp_path, "b")
    ours("initialize")
    theirs("initialize")
    logs = WireLogs(tmp_path, "s")
    assert logs.new() == []
    ours("ask", "s")
    ours("ask", "another")
    theirs("ask", "another")
    assert [it.method for it in logs.new()] == ["initialize", "ask"]
    ours("hover")
    theirs("hover")
    assert [(it.method, it.session) for it in logs.new()] == [("hover", "")]
    assert logs.new() == []


def test_lines_are_given_out_once_and_whole_even_if_the_file_is_put_aside_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\ntw")
    growing = Growing(path)
    assert growing.lines() == [b"one"]
    path.write_text("one\ntwo\nthree\n")
    path.replace(tmp_path / "a.jsonl.1")
    path.write_text("4\n")
    assert growing.lines() == [b"two", b"three", b"4"]
    assert growing.lines() == []
