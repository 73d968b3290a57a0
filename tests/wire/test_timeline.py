"""What `claw-lsp trace` shows of facts and messages: in which order, of which run and tool, and what never."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

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
from claw_lsp.facts.wire import WireMessage
from claw_lsp.term.timeline import AROUND, LONGEST, MARGIN, Timeline, near
from claw_lsp.term.trace_page import page

KEY = "ghp_abcdefghijklmnopqrstuvwxyz012345"
BASH = {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "ls"}}
FACTS: tuple[Event, ...] = (
    SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=()),
    UserSpoke(run="r1", prompt_id="p", text="list it", blocks=()),
    ModelSpoke(blocks=(BASH,), stop_reason="tool_use"),
    CallJudged(call_id="c1", decision="allow", by="person"),
    CallFinished(call_id="c1", result=Result(content="no", is_error=True, summary="Exit code 1")),
    TurnEnded(run="r1", stopped="done", text="Done."),
)


def entries(*events: Event) -> list[Entry]:
    return [Entry(n=n, at=float(n), event=it) for n, it in enumerate(events, 1)]


def message(at: float, session: str = "") -> WireMessage:
    return WireMessage(at=at, to="server", kind="notification", method="textDocument/didSave", size=10, session=session)


def test_each_moment_knows_its_run_its_tool_and_whether_something_went_wrong() -> None:
    moments = Timeline().of(entries(*FACTS), [message(3.5), message(6.5)])
    assert [(it.name or it.lane, it.run, it.tool, it.failed) for it in moments] == [
        ("1", "", "", False),
        ("2", "r1", "", False),
        ("3", "r1", "Bash", False),
        ("server", "r1", "", False),
        ("4", "r1", "Bash", False),
        ("5", "r1", "Bash", True),
        ("6", "r1", "", False),
        ("server", "", "", False),
    ]


def test_what_comes_piece_by_piece_is_told_as_what_comes_at_once() -> None:
    whole = Timeline().of(entries(*FACTS), ())
    timeline = Timeline()
    assert [one for it in entries(*FACTS) for one in timeline.of((it,), ())] == whole


def test_messages_of_a_time_in_which_nobody_worked_on_the_session_are_left_out() -> None:
    messages = [message(it) for it in (1 - AROUND - 1, 1 - AROUND, 3, 6 + AROUND, 6 + AROUND + 1)]
    assert near(messages, entries(*FACTS)) == messages[1:4]
    assert near(messages, []) == []


@given(st.integers(0, 60), st.sampled_from([0, 400]))
def test_half_a_credential_is_never_shown_wherever_a_text_is_cut(shift: int, detail: int) -> None:
    # What is taken out before it makes room for what stands where the text was cut.
    pem = "-----BEGIN PRIVATE KEY-----{}-----END PRIVATE KEY-----"
    long = pem.format("A" * (MARGIN * max(detail, LONGEST) - len(pem) - shift))
    for padding in (long, "word " * 20 + "x" * shift, "word " * 48 + "x" * shift, "word " * 70 + "x" * shift):
        spoke = UserSpoke(run="r", prompt_id="p", text=f"{padding} {KEY} more words", blocks=())
        (moment,) = Timeline(detail=detail).of(entries(spoke), ())
        shown = moment.text + moment.detail
        assert not any(KEY[:n] in shown for n in range(5, len(KEY) + 1))


def test_the_values_of_the_persons_own_variables_are_left_out_too() -> None:
    spoke = UserSpoke(run="r", prompt_id="p", text="use correct-horse-battery", blocks=())
    (moment,) = Timeline(("correct-horse-battery",), detail=400).of(entries(spoke), ())
    assert "horse" not in moment.text + moment.detail


def test_the_page_lets_its_own_script_run_and_no_other() -> None:
    spoke = UserSpoke(run="r", prompt_id="p", text="<script>alert(1)</script>", blocks=())
    html = page("<script>alert(2)</script>", ["head"], Timeline(detail=400).of(entries(*FACTS, spoke), [message(2.5)]))
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert unescape(policy[1]) == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert html.count('class="m ') == len(FACTS) + 2
    assert '<option value="Bash">Bash (3)</option>' in html
    assert '<option value="r1">run 1: r1 (6)</option>' in html
