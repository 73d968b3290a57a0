"""Every case file under tests/cases is played through the real language server, and comes out as it says; and a story
that goes another way than its script fails, whichever way that is."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.facts.request import Request
from claw_lsp.testing.cases.case import file_part, parsed, wanted, written
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.playing import play
from claw_lsp.testing.cases.showing import parts
from claw_lsp.testing.cases.story import CaseError

FILES = sorted((Path(__file__).parent / "cases").glob("*.case"))


@pytest.mark.parametrize("file", FILES, ids=lambda it: it.stem)
async def test_case(file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    case = parsed(file.read_text("utf-8"))
    places = Places(tmp_path / "case")
    outcome = await play(case, places)
    assert_append_only(outcome.requests)
    came = parts(case, outcome, places)
    if request.config.getoption("--update-cases"):
        file.write_text(written(case, came), "utf-8")
        return
    assert dict(case.expected) == wanted(case, came), f"{file}: {case.title}"


def test_there_are_stories_enough() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("user: hello", "the model was asked, but the script is over"),
        ("user: hello\nmodel: Hi.\nmodel: Again.", "line 5 is left over"),
        ("user: hello\nmodel: Hi.\nhuman: yes", "line 5 is left over"),
        ("user: hello\nhuman: yes\nmodel: Hi.", "the model was asked, but line 4 is no model line"),
        ('user: go\nmodel:\n  Bash {"command": "touch x"}\nmodel: Done.', "the person was asked .*touch x.*line 6"),
        ('user: go\nmodel:\n  Bash {"command": "rm x"}\nhuman: always\nmodel: Done.', "'always' was not offered"),
        ('user: go\nmodel:\n  Bash {"command": "touch x"}\nhuman: nothing', "the turn did not end; the script is over"),
        ('user: go\nmodel:\n  Bash {"command": "env"}\nhuman: cancels when never.txt', "never appeared|did not end"),
    ],
)
async def test_a_story_that_goes_another_way_fails(script: str, fault: str, tmp_path: Path) -> None:
    case = parsed(f"A story.\n-- script --\n{script}\n")
    with pytest.raises(CaseError, match=fault):
        await play(case, Places(tmp_path / "case"), patience=0.5)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("-- script --\nuser: hi\n", "begins with a sentence"),
        ("A story.\n-- a.txt --\na\n", "needs a part '-- script --'"),
        ("A story.\n-- script --\nuser hi\n", "line 3: expected 'user:'"),
        ("A story.\n-- script --\nnobody: hi\n", "line 3: nobody is called 'nobody'"),
        ("A story.\n-- script --\nmodel: hi\n  Read {oops}\n", "line 4: this is no JSON object"),
        ("A story.\n-- script --\nmodel: hi\n  flies away\n", "line 4: 'flies' is nothing a person does"),
        ("A story.\n-- script --\nhuman: perhaps\n", "line 3: 'perhaps' is no answer"),
        ("A story.\n-- script --\n  indented\n", "line 3: an indented line needs one above"),
        ("A story.\n-- settings --\nnope\n-- script --\n", "line 2: 'settings' is no JSON object"),
        ("A story.\n-- a.txt [opened 3] --\na\n-- script --\n", "the mark .opened 3., which means nothing"),
        ("A story.\n-- transcript --\n-- script --\n", "'script' stands below an expected part"),
    ],
)
def test_a_case_that_cannot_be_read_names_the_line(text: str, fault: str) -> None:
    with pytest.raises(CaseError, match=fault):
        parsed(text)


@given(st.text(st.sampled_from("ab \n\r\f\t\\x\u2028\u00a0é👩"), max_size=20))
def test_a_file_reads_the_same_again_however_odd_it_is(text: str) -> None:
    head, body = file_part("a.txt", text, ["saved 1"])
    (file,) = parsed(f"A story.\n-- {head} --\n{body}-- script --\n").files
    assert file.buffer == text


@pytest.mark.parametrize("file", FILES[::10], ids=lambda it: it.stem)
def test_what_came_is_written_so_that_it_reads_the_same(file: Path) -> None:
    text = file.read_text("utf-8")
    case = parsed(text)
    assert written(case, case.expected) == text


def assert_append_only(requests: tuple[Request, ...]) -> None:
    """Each request begins with the one before it, but where another model, a new conversation or a compaction begins a new
    prefix."""
    for before, now in pairwise(requests):
        compacted = "made shorter here" in str(now.messages[0]) and bare(now)[0] != bare(before)[0]
        if now.model == before.model and len(now.messages) > 1 and not compacted:
            assert bare(now)[: len(before.messages)] == bare(before)
            assert (now.system, now.tools) == (before.system, before.tools)


def bare(request: Request) -> list[Any]:
    """The messages without cache_control, which moves."""
    return [
        (message["role"], [{k: v for k, v in block.items() if k != "cache_control"} for block in message["content"]])
        for message in request.messages
    ]
