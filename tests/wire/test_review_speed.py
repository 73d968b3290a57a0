"""What is asked on every move of the cursor is answered from memory, however many hunks there are."""

from __future__ import annotations

import time

from claw_lsp.core.book import Book
from claw_lsp.core.hunks import Ledger, Maker, edited
from claw_lsp.lsp.buffers import Buffers, Piece
from claw_lsp.lsp.hunks import Hunks
from claw_lsp.lsp.review import Review

N_HUNKS = 500
PATH = "/w/long.py"


async def test_actions_and_typing_among_hundreds_of_hunks_take_milliseconds() -> None:
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

    spent: list[float] = []
    for n in range(20):
        began = time.perf_counter()
        buffers.change("file:///w/long.py", n + 2, (Piece("x", (0, 0), (0, 0)),))
        assert len(hunks.actions(PATH, (3 * n, 0), (3 * n, 0))) == 8
        spent.append(time.perf_counter() - began)
    review.close()
    assert sorted(spent)[10] < 0.05
    assert len(hunks.diagnostics()["file:///w/long.py"]) == N_HUNKS
