"""`claw-lsp replay --as-case`: what was played, read back from its log as a case, plays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claw_lsp.facts.call import Result
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Entry,
    Event,
    ModelSpoke,
    SessionStarted,
    TurnEnded,
    Unknown,
    UserSpoke,
)
from claw_lsp.facts.fault import BadRequest
from claw_lsp.testing.cases.case import parsed, wanted
from claw_lsp.testing.cases.from_log import case_of
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.playing import play
from claw_lsp.testing.cases.showing import parts

CASES = Path(__file__).parent.parent / "cases"
STORIES = (
    "allowed-with-words",
    "ask-user-question",
    "bash-fails",
    "bash-session-rule",
    "batch-denied",
    "batch-of-edits",
    "cut-stream-goes-on",
    "edit-crlf-kept",
    "edit-denied-with-words",
    "edit-emoji-positions",
    "edit-no-final-newline",
    "edit-once",
    "max-tokens-goes-on",
    "max-turns",
    "max-turns-raised",
    "plan-mode-approved-with-edits",
    "plan-mode-keep-planning",
    "proposal-of-new-file",
    "provider-error",
    "same-failing-call-stops",
    "todo-write",
    "two-edits-in-one-reply",
    "unknown-tool",
    "write-new-file",
)
"""Each with something of its own that has to be read back from the log."""


@pytest.mark.parametrize("story", STORIES)
async def test_a_story_read_back_from_its_log_plays_the_same(story: str, tmp_path: Path) -> None:
    first = await play(parsed((CASES / f"{story}.case").read_text("utf-8")), Places(tmp_path / "first"))
    (session,) = first.sessions
    text = case_of(session)
    again = parsed(text)
    assert str(tmp_path) not in text
    assert "The log goes on" not in again.title
    places = Places(tmp_path / "again")
    outcome = await play(again, places)
    assert wanted(again, parts(again, outcome, places)) == dict(again.expected), text


STARTED = SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=())
READ = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "/w/a.txt"}}


def spoke(text: str) -> UserSpoke:
    return UserSpoke(run="r", prompt_id="p", text=text, blocks=())


def replied(text: str, *calls: dict[str, Any]) -> ModelSpoke:
    return ModelSpoke(blocks=({"type": "text", "text": text}, *calls), stop_reason="tool_use" if calls else "end_turn")


def log(*events: Event) -> list[Entry]:
    return [Entry(n=n, at=float(n), event=it) for n, it in enumerate(events, 1)]


def turn(prompt: str, *events: Event) -> tuple[Event, ...]:
    return (spoke(prompt), *events, TurnEnded(run="r", stopped="done"))


def test_credentials_are_taken_out_wherever_they_stand() -> None:
    key = "ghp_abcdefghijklmnopqrstuvwxyz012345"
    result = Result(content=f"1\ttoken {key}", summary="1 line")
    judged = CallJudged(call_id="toolu_1", decision="allow", by="reach")
    text = case_of(
        log(
            STARTED,
            *turn(
                f"use {key}",
                replied(f"I use {key}", READ),
                judged,
                CallFinished(call_id="toolu_1", result=result),
                replied("Used."),
            ),
        )
    )
    assert key not in text
    assert "-- a.txt --\ntoken ‹a GitHub token, left out›\n" in text


def test_no_file_outside_of_the_working_directory_is_in_a_case() -> None:
    calls = [
        {**READ, "id": f"toolu_{n}", "input": {"file_path": it}}
        for n, it in enumerate(("/etc/hosts", "/w/../x", "~/y"))
    ]
    facts = [CallJudged(call_id=it["id"], decision="allow", by="reach") for it in calls]
    done = [CallFinished(call_id=it["id"], result=Result(content="1\tsecret words", summary="1 line")) for it in calls]
    text = case_of(log(STARTED, *turn("read", replied("", *calls), *facts, *done, replied("Read."))))
    assert parsed(text).files == ()
    assert "secret words" not in text


def test_the_case_ends_before_the_first_turn_that_it_cannot_tell_and_says_so() -> None:
    second = (spoke("again"), TurnEnded(run="r", stopped="interrupted", by_loop=False))
    text = case_of(log(STARTED, *turn("hello", replied("Hi.")), *second))
    assert "The log goes on: fact 6 ends a turn that was interrupted." in text
    assert "again" not in text
    with pytest.raises(BadRequest, match="No case can be made of this session: fact 3 ends a turn"):
        case_of(log(STARTED, *second))
    later = Unknown(kind="of_a_later_version")
    assert "fact 6 (of_a_later_version) is told by no script" in case_of(
        log(STARTED, *turn("hello", replied("Hi.")), *turn("again", later, replied("Ho.")))
    )
    with pytest.raises(BadRequest, match="nothing was asked in it"):
        case_of(log(STARTED))


def test_a_prompt_of_several_lines_or_with_a_slash_is_read_back_as_it_was() -> None:
    for prompt in ("two\nlines", "/not a command", "  odd "):
        (said, *_) = parsed(case_of(log(STARTED, *turn(prompt, replied("Hi."))))).script
        assert said.arguments == {"prompt": prompt}


def test_text_that_would_be_read_as_part_of_the_case_is_left_out_of_it() -> None:
    for odd in ("cost $0 then", "-- script --"):
        done = CallFinished(call_id="toolu_1", result=Result(content=f"1\t{odd}"))
        judged = CallJudged(call_id="toolu_1", decision="allow", by="reach")
        text = case_of(log(STARTED, *turn("read", replied("", READ), judged, done, replied("Read."))))
        assert parsed(text).files == ()
