"""`claw-lsp demo` as a newcomer runs it: a real server, a real wire, real edits, real tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from at_terminal import at_a_terminal
from command_line import Shell, shell

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def here(tmp_path: Path) -> Shell:
    """A shell whose temporary files stay in the test's folder."""
    (tmp_path / "tmp").mkdir()
    return shell(tmp_path, TMPDIR=str(tmp_path / "tmp"), COLUMNS="100")


async def test_the_demo_fixes_the_sample_and_keeps_what_was_typed(here: Shell) -> None:
    ended = await here.claw("demo", "--yes")
    assert ended.code == 0, ended.out + ended.err
    project = project_in(ended.out)
    source = (project / "basket" / "totals.py").read_text()
    assert source.startswith("# Ask Ana: do we ship abroad?\n")
    assert "sum(line.quantity * line.unit_price for line in lines)" in source
    assert passes(project)


async def test_the_demo_shows_every_part_of_a_turn(here: Shell) -> None:
    shown = (await here.claw("demo", "--yes")).out
    parts = (
        "test_two_of_a_kind fails: 350 != 700",
        "▸ Claw: Fix",
        "┃ `subtotal` adds up unit prices",
        "Claw: Edit basket/totals.py?",
        "+    return sum(line.quantity * line.unit_price",
        "-m unittest",
        "┃ done · ",
        "It is one undo step",
        "The line you were typing is still there.",
        "Ran 3 tests",
        "tokens in",
    )
    at = [shown.find(it) for it in parts]
    assert -1 not in at
    assert at == sorted(at), "the parts come in the order in which they happen"


async def test_the_session_log_that_the_demo_names_holds_the_whole_turn(here: Shell) -> None:
    shown = (await here.claw("demo", "--yes")).out
    log = Path(re.search(r"session log +(\S+)", shown)[1])  # type: ignore[index]
    kinds = [json.loads(line)["event"]["kind"] for line in log.read_text().splitlines()[1:]]
    assert (kinds[0], kinds[1], kinds.count("turn_ended")) == ("session_started", "user_spoke", 1)
    # Behind a turn that ran commands the files are kept as they are, unless the demo is over first.
    assert kinds[kinds.index("turn_ended") + 1 :] in ([], ["checkpointed"])
    assert log.stat().st_mode & 0o777 == 0o600


async def test_the_demo_leaves_nothing_of_itself_in_the_persons_home(here: Shell) -> None:
    await here.claw("demo", "--yes")
    assert list(here.home.iterdir()) == []


async def test_without_a_terminal_the_demo_says_what_to_do(here: Shell) -> None:
    ended = await here.claw("demo")
    assert (ended.code, ended.out) == (2, "")
    assert "--yes" in ended.err


async def test_live_without_a_key_says_which_one_it_needs(here: Shell) -> None:
    ended = await here.claw("demo", "--yes", "--live")
    assert (ended.code, ended.out) == (2, "")
    assert "ANTHROPIC_API_KEY" in ended.err


async def test_a_person_who_says_no_keeps_their_file_and_the_demo_says_that_the_test_still_fails(here: Shell) -> None:
    code, shown = await at_a_terminal(here, ("demo",), [("Your answer", "9\n"), ("Your answer", "1\n")], out=True)
    assert code == 1
    assert "You said no" in shown
    assert "nothing" in shown
    source = (project_in(shown) / "basket" / "totals.py").read_text()
    assert "sum(line.unit_price for line in lines)" in source


async def test_a_person_who_allows_both_sees_the_tests_pass(here: Shell) -> None:
    dialog = [("Your answer", "4\n"), ("Your answer", "2\n"), ("Your answer", "2\n")]
    code, shown = await at_a_terminal(here, ("demo",), dialog, out=True)
    assert code == 0, shown
    assert passes(project_in(shown))


def project_in(shown: str) -> Path:
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    found = re.search(r"project  +(\S+)", plain)
    assert found, plain
    return Path(found[1])


def passes(project: Path) -> bool:
    """Whether the sample's tests pass, run from here."""
    argv = [sys.executable, "-B", "-m", "unittest"]
    return subprocess.run(argv, cwd=project, capture_output=True, check=False).returncode == 0
