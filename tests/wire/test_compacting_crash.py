"""A process that dies at any call that changes a file while a session is compacted: by hand, and by itself in a turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.core.fold import after, fold
from claw_lsp.core.prompt import request
from claw_lsp.core.recover import Partial, recover
from claw_lsp.engine.session import Session
from claw_lsp.engine.turn import Hands, compact, run_turn
from claw_lsp.facts.event import Compacted, UserSpoke
from claw_lsp.facts.settings import Settings
from claw_lsp.testing.fakes import FakeClock
from claw_lsp.testing.scripted_model import ScriptedModel, says
from tests.laws.test_turn_laws import FACTS, assert_valid, hands, spoken, started
from tests.replay import assert_replays
from tests.wire.faulty_disk import Died, FaultyFiles

ID = "11111111-2222-4333-8444-555555555555"


def words(number: int, at: int | None = None) -> UserSpoke:
    text = f"wish number {number}"
    block = {"type": "text", "text": text}
    return spoken(number).model_copy(update={"text": text, "blocks": (block,), "compact_at": at})


def means() -> Hands:
    model = ScriptedModel(*(says(f"Answer or notes {n}.") for n in range(9)))
    its = hands(model, [])
    return replace(its, settings=Settings(compact_window=60, max_output_tokens=1), compact_prompt="Notes!")


async def compacting(session: Session, its: Hands, *, by_hand: bool) -> None:
    if by_hand:
        await compact(session, "", its)
    else:
        await run_turn(session, words(2, at=1), its)


async def killed(folder: Path, at: int, *, by_hand: bool) -> tuple[list[str], int]:
    """The kinds of facts that were told before the compaction began; and how many calls it made. Dies at the call `at`, and
    nothing is written after it."""
    files = FaultyFiles()
    log = await JsonlArchive(folder, FakeClock(), files).create(ID, "/w")
    session = Session(log)
    session.write(started())
    its = means()
    for number in range(2):
        await run_turn(session, words(number), its)
    before = [it.event.kind for it in session.entries]
    files.arm(at, Died(), stays=True)
    if at:
        with pytest.raises(Died):
            await compacting(session, its, by_hand=by_hand)
        n_calls = files.n_calls
        files.bury()
    else:
        await compacting(session, its, by_hand=by_hand)
        n_calls = files.n_calls
        log.close()
    return before, n_calls


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "in a turn"])
async def test_r54_killed_at_every_write_of_a_compaction_nothing_is_lost_and_the_session_goes_on(
    tmp_path: Path, by_hand: bool
) -> None:
    _, n_calls = await killed(tmp_path / "whole", 0, by_hand=by_hand)
    compacted: set[bool] = set()
    for at in range(1, n_calls + 1):
        folder = tmp_path / str(at)
        before, _ = await killed(folder, at, by_hand=by_hand)
        log, entries, partial = await JsonlArchive(folder, FakeClock()).open(ID)
        events = [it.event for it in entries]
        assert [it.kind for it in events][: len(before)] == before
        closing = recover(fold(events), Partial(partial))
        for event in closing:
            log.append(event)
        state = assert_replays([*events, *closing])
        asked = request(after(state, words(9)), FACTS, 9)
        assert_valid(asked)
        told = str(asked.messages)
        for number in range(2):
            assert told.count(f"wish number {number}") == 1
        compacted.add(any(isinstance(it, Compacted) for it in events))
        log.close()
        reopened, entries, _ = await JsonlArchive(folder, FakeClock()).open(ID)
        ended = await run_turn(Session(reopened, entries), words(3), means())
        assert ended.stopped == "done"
        reopened.close()
    assert compacted == {True, False}, "the fact was written at some of these, and at others not"
