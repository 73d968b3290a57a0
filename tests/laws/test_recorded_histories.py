"""Reverting on recorded histories: thirty runs of six consecutive commits of a real project, each commit as one prompt."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from claw_lsp.core.reverting import reverting, traced
from claw_lsp.facts.call import Edited, Result
from claw_lsp.facts.event import CallFinished, Entry, Event, SessionStarted, UserSpoke
from claw_lsp.facts.text import TextEdit, applied

HISTORIES = sorted((Path(__file__).parents[1] / "fixtures" / "histories").glob("*.json"))
N_PROMPTS = 6


@cache
def recorded(history: Path) -> tuple[tuple[Entry, ...], dict[str, str], dict[str, dict[int, str]]]:
    """The log of a session that did this, the texts in the end, and each file's texts by the prompt that left them."""
    files: dict[str, list[tuple[int, list[tuple[int, int, str]]]]] = json.loads(history.read_text("utf-8"))
    left: dict[str, dict[int, str]] = {name: {} for name in files}
    for name, versions in files.items():
        text = ""
        for prompt, edits in versions:
            text = left[name][prompt] = applied(text, tuple(TextEdit(*it) for it in edits))
    log: list[Event] = [SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=())]
    now = {name: texts[0] for name, texts in left.items() if 0 in texts}
    for n in range(1, N_PROMPTS + 1):
        edited = [
            Edited(path=name, before=now.get(name, ""), after=texts[n], created=name not in now)
            for name, texts in left.items()
            if n in texts
        ]
        now |= {it.path: it.after for it in edited}
        log.append(UserSpoke(run=f"p{n}", prompt_id=f"p{n}", text="do it", blocks=()))
        log.append(CallFinished(call_id=f"c{n}", result=Result(content="", edited=tuple(edited))))
    return tuple(Entry(n=n, at=float(n), event=it) for n, it in enumerate(log, 1)), now, left


def test_nine_of_ten_prompts_are_reverted_without_a_conflict(capsys: pytest.CaptureFixture[str]) -> None:
    n_reverts = n_clean = n_places = n_left = 0
    for history in HISTORIES:
        entries, now, _ = recorded(history)
        for n in range(1, N_PROMPTS + 1):
            came = [reverting(trace, now[path]) for path, trace in traced(entries, f"p{n}").items()]
            n_reverts += bool(came)
            n_clean += bool(came) and not any(it.left for it in came)
            n_places += sum(len(it.edits) + len(it.left) for it in came)
            n_left += sum(len(it.left) for it in came)
    with capsys.disabled():
        print(
            f"\n{len(HISTORIES)} recorded histories: {n_clean} of {n_reverts} reverts without a conflict "
            f"({n_clean / n_reverts:.1%}); {n_left} of {n_places} places left ({n_left / n_places:.1%})"
        )
    assert len(HISTORIES) >= 30
    assert n_reverts > 100
    assert n_clean / n_reverts >= 0.9


@pytest.mark.parametrize("history", HISTORIES, ids=lambda it: it.stem)
def test_reverted_from_the_newest_on_every_prompt_leaves_what_there_was_before_it(history: Path) -> None:
    entries, texts, left = recorded(history)
    for n in range(N_PROMPTS, 0, -1):
        for path, trace in traced(entries, f"p{n}").items():
            came = reverting(trace, texts[path])
            before = [text for prompt, text in left[path].items() if prompt < n]
            texts = {**texts, path: came.text}
            assert came.text == (before[-1] if before else "")
            assert came.left == ()
