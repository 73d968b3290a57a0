"""The page of `claw-lsp trace --html` in a real browser: it fetches nothing, and its filters show what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from installing import needs
from vscode_desk import CODE_SERVER, DEBIAN, browser

REPOSITORY = Path(__file__).parents[2]
LOG = REPOSITORY / "tests" / "golden" / "v1" / "3c1f1d52-6f0e-4d1c-9d1a-52a5cbd0c8a4.jsonl"
pytestmark = [
    pytest.mark.editor,
    pytest.mark.vscode,
    pytest.mark.timeout(200),
    needs(DEBIAN, CODE_SERVER),
]


@pytest.fixture
def do(tmp_path: Path) -> Generator[Any]:
    home = tmp_path / "home"
    kept = home / "claw" / "projects" / "ws" / LOG.name
    kept.parent.mkdir(parents=True)
    shutil.copy(LOG, kept)
    around = {**os.environ, "HOME": str(home), "CLAW_HOME": str(home / "claw"), "PYTHONPATH": str(REPOSITORY)}
    argv = [sys.executable, "-m", "claw_lsp", "trace", LOG.stem, "--html"]
    page = tmp_path / "trace.html"
    with page.open("w") as out:
        subprocess.run(argv, env=around, stdout=out, check=True, cwd=tmp_path, timeout=60)
    with browser() as does:
        does("visit", url=page.as_uri())
        yield does


def shown(do: Any) -> list[str]:
    """The rows that can be seen, by scrolling at least: the browser draws those further down only later."""
    return do("contents", selector=".m")


def test_the_page_of_a_session_fetches_nothing_and_its_filters_show_what_they_say(do: Any) -> None:
    every = shown(do)
    assert len(every) == 62 and do("texts", selector="output") == [f"{len(every)} of {len(every)}"]
    do("choose", selector="select[name=kind]", value="compacted")
    assert len(shown(do)) == 1 and "compacted" in shown(do)[0]
    do("choose", selector="select[name=kind]", value="")
    do("choose", selector="select[name=tool]", value="Bash")
    assert shown(do) and all("Bash" in it for it in shown(do))
    do("choose", selector="select[name=tool]", value="")
    do("fill", selector="input[name=text]", text="REMEMBER TEA")
    assert 0 < len(shown(do)) < len(every)
    assert do("texts", selector="output") == [f"{len(shown(do))} of {len(every)}"]
    do("fill", selector="input[name=text]", text="")
    do("click", selector="input[name=failed]", text="")
    assert len(shown(do)) == 2 and all("has not been read" in it for it in shown(do))
    do("click", selector="input[name=failed]", text="")
    do("click", selector="input[name=facts]", text="")
    assert shown(do) == []
    do("click", selector="input[name=facts]", text="")
    assert shown(do) == every
    do("click", selector="details.m summary", text="user_spoke")
    assert any("mend add" in it for it in do("contents", selector="details[open] pre"))
    assert [it for it in do("requests") if not it.startswith("file:")] == []
    assert len(do("requests")) == 1, "the page is all there is"
