"""The state of a session: what its events add up to. Thrown away freely, since `fold` (core/fold.py) makes it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from claw_lsp.core.blocks import rough
from claw_lsp.core.prefix import Said
from claw_lsp.core.turn import (
    OpenCall,
    Turn,
)
from claw_lsp.facts.call import Block, Task
from claw_lsp.facts.checkpoint import RewindBegun
from claw_lsp.facts.event import (
    Event,
    ToolSpec,
)
from claw_lsp.facts.request import Message
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Exposure
from claw_lsp.facts.usage import Usage


@dataclass(frozen=True, slots=True)
class State:
    """What is true after some events.

    `messages` are closed and never change; `pending` are the blocks of the user message being gathered.
    Invariant: messages + pending of an earlier state are a prefix of a later one's, until a new prefix begins.
    """

    session: str = ""
    cwd: str = ""
    roots: tuple[str, ...] = ()
    model: str = ""
    effort: str | None = None
    mode: Mode = Mode.DEFAULT
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    gone: frozenset[str] = frozenset()
    """The names of tools whose servers are away."""
    messages: tuple[Message, ...] = ()
    pending: tuple[Block, ...] = ()
    waiting: tuple[Block, ...] = ()
    """What was said while the model may be being asked: behind its reply."""
    unread: tuple[str, ...] = ()
    """What was said while a turn ran, and the model has not answered yet."""
    waits: tuple[Event, ...] = ()
    """What begins a new prefix and happened during the turn, for when it has ended."""
    said: tuple[Said, ...] = ()
    """Everything that the person said since the session began, as far as the model is to know it."""
    earlier: Mapping[int, tuple[Message, ...]] = field(default_factory=dict[int, "tuple[Message, ...]"])
    """The messages of earlier prefixes that something in `said` stood in."""
    calls: tuple[OpenCall, ...] = ()
    turn: Turn | None = None
    seen: Mapping[str, str] = field(default_factory=dict[str, str])
    tasks: tuple[Task, ...] = ()
    rules: tuple[Rule, ...] = ()
    instructed: Mapping[str, str] = field(default_factory=dict[str, str])
    """The files of instructions that were told, each with the digest of its text, "" where the log does not say."""
    follows: bool = False
    """Whether it is known which files of instructions the session began with, so that what changes can be told."""
    exposure: Exposure = field(default_factory=Exposure)
    usage: Mapping[str, Usage] = field(default_factory=dict[str, Usage])
    cost: float | None = 0.0
    max_cost: float = 0.0
    """What the person let the session cost, beyond what the settings say; in dollars."""
    habits: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    """What the person last answered where this rule would have been an answer, and how often in a row."""
    refusals: tuple[int, int] = (0, 0)
    """What the small model refused in auto mode: in a row, and in all since the mode was chosen."""
    title: str = ""
    prefix: int = 0
    """How many times a new prefix began."""
    rewinding: RewindBegun | None = None
    """Files are being brought back: what a crash leaves here was cut short."""
    undone: State | None = None
    """The state before the chat was rewound, while nothing was said since."""
    size: int = 0
    """Tokens of system, tools and messages, as the provider counted them with the last reply; roughly, before one."""

    @property
    def filled(self) -> int:
        """About how many tokens of the model's window the next request takes."""
        return self.size + rough(self.pending)

    @property
    def picked(self) -> str:
        """The model that was picked, whichever stands in for it now."""
        return self.turn.failed[0] if self.turn and self.turn.failed else self.model

    @property
    def there(self) -> tuple[ToolSpec, ...]:
        """The tools that may be called now."""
        return tuple(it for it in self.tools if it.name not in self.gone) if self.gone else self.tools

    @property
    def side_by_side(self) -> frozenset[str]:
        """The names of the tools that only look."""
        return frozenset(tool.name for tool in self.tools if tool.side_by_side)
