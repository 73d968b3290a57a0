"""A yes to several calls at once is a yes to what was shown of each, and to nothing else."""

from __future__ import annotations

from dataclasses import replace

from claw_lsp.core.policy.alike import fits, shown
from claw_lsp.engine.session import Agreed
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.question import DENY, ONCE, Answer
from claw_lsp.facts.text import Change, Document, TextEdit

HERE = PlannedPath("/ws/a.py", "/ws/a.py")


def edit(before: str, start: int, end: int, new: str) -> Plan:
    change = Change("/ws/a.py", Document("/ws/a.py", before, 1), (TextEdit(start, end, new),))
    return Plan(Call(id="c", name="Edit", input={}), Reach.EDIT, "Edit a.py", paths=(HERE,), changes=(change,))


def run(line: str) -> Plan:
    return Plan(Call(id="c", name="Bash", input={"command": line}), Reach.RUN, f"Run {line}", command=line)


def test_an_edit_may_have_moved_and_nothing_else() -> None:
    yes = Agreed(Answer(ONCE), shown(edit("one two", 4, 7, "dos")))
    assert yes.covers(edit("more one two", 9, 12, "dos"))
    assert not yes.covers(edit("one two", 4, 7, "tres"))
    assert not yes.covers(edit("one owt", 4, 7, "dos"))
    elsewhere = replace(edit("one two", 4, 7, "dos"), paths=(PlannedPath("/ws/a.py", "/etc/passwd"),))
    assert not yes.covers(elsewhere)


def test_another_line_is_not_the_one_that_was_shown_and_a_no_holds_for_all() -> None:
    assert not Agreed(Answer(ONCE), shown(run("touch a"))).covers(run("touch b"))
    assert Agreed(Answer(DENY), shown(run("touch a"))).covers(run("touch b"))


def test_what_would_not_be_seen_whole_is_not_asked_about_together() -> None:
    assert fits((run("touch a"),), run("touch b"))
    assert not fits((run("touch a"),), run("touch b\ntouch c"))
    assert not fits((run("touch a"),), run(f"touch {'b' * 300}"))
    assert not fits((run("touch a"),), edit("a", 0, 1, "b"))
