"""The cleaning and keeping of output, whatever the reads cut in two."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.adapters.process.output import Cleaner, Kept

SAMPLE = (
    "plain\nüñí 漢字 🎉\r\n"
    "\x1b[1;32mgreen\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n"
    " 10%\r 50%\r100%\n"
    "b\bbo\bol\bld\n"
    "\x1b(Bcharset \x1bPdevice\x1b\\control\x07\n"
    "\x9b31mc1\x9b0m\nlast"
).encode()
CLEAN = "plain\nüñí 漢字 🎉\ngreen link\n100%\nbold\ncharset control\nc1\nlast"


def cleaned(*pieces: bytes) -> str:
    cleaner = Cleaner()
    return "".join([*map(cleaner.feed, pieces), cleaner.end()])


def test_output_is_cleaned_of_escapes_redrawn_lines_and_overstrikes() -> None:
    assert cleaned(SAMPLE) == CLEAN


@given(st.lists(st.integers(0, len(SAMPLE)), max_size=12))
def test_where_the_reads_cut_does_not_matter(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(SAMPLE)]
    assert cleaned(*(SAMPLE[a:b] for a, b in zip(ends, ends[1:], strict=False))) == CLEAN


@given(st.binary(max_size=300), st.integers(0, 300))
def test_whatever_comes_in_no_control_character_comes_out(data: bytes, cut: int) -> None:
    text = cleaned(data[:cut], data[cut:])
    assert all(it in "\n\t" or ord(it) >= 32 for it in text)
    assert not any(0x7F <= ord(it) < 0xA0 for it in text)


def test_stray_invalid_bytes_are_replaced_and_the_line_stays() -> None:
    assert cleaned(b"a long line in Latin-1 with one \xe9 in it\n") == "a long line in Latin-1 with one � in it\n"


def test_a_line_without_end_comes_out_in_bounded_pieces() -> None:
    cleaner = Cleaner()
    text = "".join(cleaner.feed(b"x" * 50_000) for _ in range(10))
    assert len(text) > 400_000


def test_flush_gives_an_unfinished_line_but_no_half_character_or_escape() -> None:
    cleaner = Cleaner()
    assert cleaner.feed(b"ready> ") == ""
    assert cleaner.flush() == "ready> "
    assert (cleaner.feed("é".encode()[:1]), cleaner.flush()) == ("", "")
    assert (cleaner.feed("é\x1b[3".encode()[1:]), cleaner.flush()) == ("", "")
    assert cleaner.feed(b"1mred\n") == "éred\n"


def test_short_output_makes_no_file(tmp_path: Path) -> None:
    kept = Kept(str(tmp_path / "out" / "f"))
    kept.add("short\n")
    assert (kept.cut(30_000), kept.path) == ("short\n", None)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=6))
def test_the_file_holds_everything_however_it_came(tmp_path_factory: object, sizes: list[int]) -> None:
    folder = Path(getattr(tmp_path_factory, "mktemp")("kept"))  # noqa: B009
    kept = Kept(str(folder / "f"))
    pieces = [f"{n % 10}" * (size - 1) + "\n" for n, size in enumerate(sizes)]
    for piece in pieces:
        kept.add(piece)
    whole = "".join(pieces)
    cut = kept.cut(10_000)
    kept.close()
    if len(whole) <= 10_000:
        assert cut == whole
    else:
        assert (folder / "f").read_text() == whole
        assert len(cut) < 10_500
        head, tail = re.split(r"\[\d+ characters left out here; .*\]\n", cut)
        assert whole.startswith(head.rstrip("\n"))
        assert whole.endswith(tail)
        assert len(head + tail) > 4_000


def test_a_file_that_is_there_already_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("someone's")
    kept = Kept(str(tmp_path / "f"))
    kept.add("x" * 20_000)
    try:
        kept.add("x" * 20_000)
    except FileExistsError:
        assert (tmp_path / "f").read_text() == "someone's"
        return
    raise AssertionError("it was opened")
