"""What is asked on every move of the cursor is answered from memory, however many hunks there are."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from claw_lsp.core.book import Book
from claw_lsp.core.hunks import Ledger, Maker, edited
from claw_lsp.lsp.buffers import Buffers, Piece
from claw_lsp.lsp.hunks import Hunks
from claw_lsp.lsp.review import Review

N_HUNKS = 500
PATH = "/w/long.py"


async def test_actions_and_typing_among_hundreds_of_hunks_is_little_work() -> None:
    before = "".join(f"name_{n} = {n}\nother_{n} = 0\n\n" for n in range(N_HUNKS))
    after = "".join(f"name_{n} = {n}000\nother_{n} = 0\n\n" for n in range(N_HUNKS))
    buffers = Buffers()
    changes: list[int] = []
    review = Review(buffers, lambda path: False, lambda: changes.append(1))
    hunks = Hunks(review, buffers)
    ledger = edited(Ledger(PATH, before), before, after, Maker("s", "p", "r", "c", 1.0))
    assert len(ledger.open) == N_HUNKS
    review._books["s"] = Book(session="s").with_ledger(ledger)
    buffers.open("file:///w/long.py", "python", 1, after)

    calls: list[int] = []
    for n in range(20):
        with counted() as called:
            buffers.change("file:///w/long.py", n + 2, (Piece("x", (0, 0), (0, 0)),))
            assert len(hunks.actions(PATH, (3 * n, 0), (3 * n, 0))) == 8
        calls.append(called[0])
    review.close()
    assert max(calls) < 100 * N_HUNKS, "each hunk is looked at, and not with each other one"
    assert len(hunks.diagnostics()["file:///w/long.py"]) == N_HUNKS


@contextmanager
def counted() -> Generator[list[int]]:
    """How many functions are called: the work as it is on any machine, however busy."""
    called = [0]

    def count(_: object, event: str, __: object) -> None:
        called[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield called
    finally:
        sys.setprofile(before)
