"""Logs of every format that was ever written stay loadable: tests/golden/vN holds sessions as format N wrote them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.core.fold import fold
from claw_lsp.core.render import lines
from claw_lsp.core.step import Rest, next_step
from claw_lsp.facts.event import FORMAT, Titled
from claw_lsp.testing.fakes import FakeClock
from tests.replay import assert_replays

GOLDEN = Path(__file__).parent.parent / "golden"
LOGS = sorted(GOLDEN.glob("v*/*.jsonl"))


def test_every_format_has_a_log() -> None:
    assert {json.loads(it.read_text("utf-8").split("\n")[0])["format"] for it in LOGS} == set(range(1, FORMAT + 1))


@pytest.mark.parametrize("path", LOGS, ids=lambda it: f"{it.parent.name}-{it.stem[:8]}")
async def test_a_log_of_long_ago_is_read_replayed_and_goes_on(tmp_path: Path, path: Path) -> None:
    folder = tmp_path / "projects" / "ws"
    folder.mkdir(parents=True)
    shutil.copy(path, folder)
    archive = JsonlArchive(tmp_path, FakeClock())
    log, entries, partial = await archive.open(path.stem)
    assert [it.n for it in entries] == list(range(1, len(path.read_text("utf-8").splitlines())))
    assert partial == ""
    state = fold(it.event for it in entries)
    assert state == assert_replays(it.event for it in entries)
    assert isinstance(next_step(state), Rest)
    assert "\n".join(lines(entries)) + "\n" == path.with_suffix(".txt").read_text("utf-8")
    entry = log.append(Titled(title="Long ago"))
    assert entry.n == len(entries) + 1
    log.close()
