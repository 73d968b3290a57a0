"""Open buffers hold exactly what the client said, whatever it says and in whatever order."""

import asyncio

import pytest

from claw_lsp.facts.text import TextEdit
from claw_lsp.lsp.buffers import Buffers, Changed, Closed, Opened, Piece, Saved, Seen
from claw_lsp.lsp.uris import filelike, path_of, uri_of


def opened(text: str, version: int = 1, encoding="utf-16") -> Buffers:
    buffers = Buffers(encoding)
    buffers.open("file:///w/a.py", "python", version, text)
    return buffers


def text(buffers: Buffers) -> str:
    buffer = buffers.get("/w/a.py")
    assert buffer is not None
    return buffer.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_r16_a_change_behind_an_emoji_lands_in_every_encoding(encoding):
    buffers = opened("x = '\fa😀éb'\r\ny", encoding=encoding)
    start = {"utf-8": 5 + 1 + 1 + 4 + 2, "utf-16": 5 + 1 + 1 + 2 + 1, "utf-32": 5 + 1 + 1 + 1 + 1}[encoding]
    buffers.change("file:///w/a.py", 2, [Piece("!", (0, start), (0, start + 1))])
    assert text(buffers) == "x = '\fa😀é!'\r\ny"


def test_r14_changes_of_one_burst_are_made_in_order():
    buffers = opened("")
    for n in range(1000):
        buffers.change("file:///w/a.py", n + 2, [Piece(f"{n}\n", (n, 0), (n, 0))])
    assert text(buffers) == "".join(f"{n}\n" for n in range(1000))


def test_changes_of_one_message_see_each_other():
    buffers = opened("abc")
    buffers.change("file:///w/a.py", 2, [Piece("x\n", (0, 0), (0, 0)), Piece("Y", (1, 0), (1, 1)), Piece("all")])
    assert text(buffers) == "all"
    buffers.change("file:///w/a.py", 3, [Piece("x\n", (0, 0), (0, 0)), Piece("Y", (1, 0), (1, 1))])
    assert text(buffers) == "x\nYll"


def test_r15_an_incremental_change_for_an_older_version_is_unsafe_until_the_whole_text_comes():
    buffers = opened("abc", version=3)
    buffers.change("file:///w/a.py", 2, [Piece("x", (0, 0), (0, 0))])
    buffer = buffers.get("/w/a.py")
    assert buffer is not None and not buffer.safe
    assert buffer.text == "xabc"
    buffers.change("file:///w/a.py", 4, [Piece("y", (0, 0), (0, 0))])
    assert not buffers.get("/w/a.py").safe
    buffers.change("file:///w/a.py", 5, [Piece("whole")])
    assert buffers.get("/w/a.py").safe
    assert text(buffers) == "whole"


def test_r15_versions_that_jump_ahead_or_are_missing_are_taken():
    buffers = opened("abc", version=0)
    buffers.change("file:///w/a.py", 17, [Piece("x", (0, 0), (0, 0))])
    buffers.change("file:///w/a.py", None, [Piece("y", (0, 0), (0, 0))])
    buffer = buffers.get("/w/a.py")
    assert (buffer.version, buffer.text, buffer.safe) == (17, "yxabc", True)


def test_r17_a_range_beyond_the_text_or_inside_a_pair_is_clamped():
    buffers = opened("a😀b")
    buffers.change("file:///w/a.py", 2, [Piece("!", (0, 2), (0, 3))])
    assert text(buffers) == "a!b"
    buffers.change("file:///w/a.py", 3, [Piece("?", (7, 0), (9, 9))])
    assert text(buffers) == "a!b?"
    assert buffers.get("/w/a.py").safe
    buffers.change("file:///w/a.py", 4, [Piece("-", (0, 3), (0, 1))])
    assert not buffers.get("/w/a.py").safe


def test_documents_unknown_to_a_change_a_save_or_a_close_are_left_alone():
    buffers = opened("abc")
    buffers.change("file:///w/other.py", 2, [Piece("x")])
    buffers.save("file:///w/other.py")
    buffers.close("file:///w/other.py")
    buffers.close("file:///w/a.py")
    buffers.change("file:///w/a.py", 9, [Piece("after close", (0, 0), (0, 0))])
    assert buffers.all() == ()


def test_watchers_hear_every_content_change_with_its_edit_and_nothing_after_they_ended():
    buffers = opened("abc")
    heard = []
    end = buffers.watch(heard.append)
    buffers.change("file:///w/a.py", 2, [Piece("x", (0, 1), (0, 2)), Piece("axd")])
    buffers.save("file:///w/a.py")
    buffers.close("file:///w/a.py")
    buffers.open("file:///w/b.py", "python", 1, "b")
    end()
    buffers.close("file:///w/b.py")
    path = "/w/a.py"
    assert heard == [
        Changed(path, 2, "abc", "axc", TextEdit(1, 2, "x")),
        Changed(path, 2, "axc", "axd", None),
        Saved(path),
        Closed(path),
        Opened("/w/b.py", "b"),
    ]
    assert heard[0].edits == (TextEdit(1, 2, "x"),)
    assert heard[1].edits == (TextEdit(2, 3, "d"),)


async def test_the_next_change_can_be_waited_for():
    buffers = opened("abc")
    waiting = asyncio.ensure_future(buffers.changed("/w/a.py"))
    await asyncio.sleep(0)
    buffers.open("file:///w/other.py", "python", 1, "")
    buffers.change("file:///w/a.py", 2, [Piece("x")])
    assert await waiting == Changed("/w/a.py", 2, "abc", "x", None)


def test_dirty_is_known_from_saves_and_from_the_disk():
    buffers = opened("abc")
    assert not buffers.get("/w/a.py").dirty
    buffers.on_disk("/w/a.py", "ab")
    assert buffers.get("/w/a.py").dirty
    buffers.save("file:///w/a.py")
    assert not buffers.get("/w/a.py").dirty
    buffers.change("file:///w/a.py", 2, [Piece("x")])
    assert buffers.get("/w/a.py").dirty


def test_the_last_place_seen_stands_in_for_missing_arguments():
    buffers = opened("abc")
    assert buffers.seen == Seen("/w/a.py")
    buffers.saw("file:///w/b.py", (3, 4))
    assert buffers.seen == Seen("/w/b.py", (3, 4), (3, 4))
    buffers.change("file:///w/a.py", 2, [Piece("x")])
    assert buffers.seen == Seen("/w/a.py")
    buffers.saw("file:///w/a.py", (0, 1), (0, 2))
    buffers.change("file:///w/a.py", 3, [Piece("xy")])
    assert buffers.seen == Seen("/w/a.py", (0, 1), (0, 2))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///w/a.py", "/w/a.py"),
        ("file:///w/a%20b%23.py", "/w/a b#.py"),
        ("FILE://localhost/w/a.py", "/w/a.py"),
        ("file:/w/a.py", "/w/a.py"),
        ("file:////w//a.py", "/w/a.py"),
        ("file:///w/caf%C3%A9.py", "/w/café.py"),
        ("file:///w/%ff.py", "/w/\udcff.py"),
        ("file:///w/a.py?x#y", "/w/a.py"),
        ("file:///w/%2e%2e/home/u/.bashrc", "/home/u/.bashrc"),
        ("file:///w/%252e%252e/x", "/w/%2e%2e/x"),
    ],
)
def test_p20_a_file_uri_is_decoded_once_and_normalised_before_anybody_judges_it(uri, path):
    assert path_of(uri, windows=False) == path
    assert path_of(uri_of(path, windows=False), windows=False) == path


@pytest.mark.parametrize(
    "uri",
    [
        "vscode-remote://evil/ws/a.py",
        "untitled:Untitled-1",
        "file://evil/ws/a.py",
        "file:///w/a%00.py",
        "jdt://contents/a.class?=x",
        "http://x/file:///etc/passwd",
    ],
)
def test_p21_any_other_uri_is_never_taken_for_a_path(uri):
    assert path_of(uri, windows=False) == uri
    assert uri_of(uri, windows=False) == uri
    assert not filelike(uri)


@pytest.mark.parametrize(
    ("uri", "path", "back"),
    [
        ("file:///c%3A/Users/me/a%20b.py", "C:\\Users\\me\\a b.py", "file:///c%3A/Users/me/a%20b.py"),
        ("file:///C:/a.py", "C:\\a.py", "file:///c%3A/a.py"),
        ("file:///c:/w/../x.py", "C:\\x.py", "file:///c%3A/x.py"),
        ("file://server/share/a.py", "\\\\server\\share\\a.py", "file://server/share/a.py"),
        ("untitled:a", "untitled:a", "untitled:a"),
    ],
)
def test_windows_paths_have_drive_letters_and_hosts(uri, path, back):
    assert path_of(uri, windows=True) == path
    assert uri_of(path, windows=True) == back
