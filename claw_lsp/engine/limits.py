"""A limit that a turn reached: the person is asked whether it may go on."""

from __future__ import annotations

from uuid import uuid4

from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import DENY, ONCE, Question
from claw_lsp.ports.person import Host


async def goes_on(why: str, session: Session, host: Host) -> bool:
    """Ask. Where nobody is there to answer, it does not."""
    turn = session.state.turn
    assert turn is not None
    id_ = str(uuid4())
    title = f"{why} Go on?"
    answer = await host.ask(
        Question(
            id=id_,
            session=session.id,
            run=turn.run,
            plan=Plan(Call(id=id_, name="Limit", input={}), Reach.PERSON, title),
            title=title,
            detail=why,
            choices=(Choice(DENY, "Stop here"), Choice(ONCE, "Go on, as much again")),
        )
    )
    return answer.choice == ONCE
