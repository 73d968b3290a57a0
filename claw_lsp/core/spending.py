"""What a session spent, and on what: by agent, model, tool and turn. All of it from the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from claw_lsp.core.render import dollars, one_line, tokens
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, calls_in, text_in
from claw_lsp.facts.compacted import Compacted, CompactionFailed
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, Event, ModelSpoke, Titled, UserSpoke
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.usage import Price, Usage, cost

BAR = 24
"""Characters of the longest bar of the chart."""
MOST_TURNS = 30
"""Turns that the chart shows, the last ones."""
AGENT, TITLES, JUDGE, COMPACTION = "the agent itself", "titles", "the judge of auto mode", "compaction"
"""Who asks a model without being a tool."""
PER_TOKEN = 4
"""Characters to a token, roughly: what results took of the context is an estimate."""


@dataclass(slots=True)
class TurnSpent:
    """One turn: what was asked, and dollars; None where a model's price is not known."""

    prompt_id: str
    title: str
    cost: float | None = 0.0
    n_replies: int = 0


@dataclass(slots=True)
class ToolSpent:
    """One tool: how often it ran and failed, seconds, the dollars of its own requests to a model, and about how many
    tokens its results put into the context."""

    n_calls: int = 0
    n_failed: int = 0
    seconds: float = 0.0
    cost: float | None = 0.0
    tokens: int = 0


@dataclass(slots=True)
class AgentSpent:
    """Who asked a model: the agent the person speaks to, one it started, or side work. Dollars as in `TurnSpent`."""

    n_requests: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: float | None = 0.0


@dataclass(slots=True)
class Spending:
    """Dollars, None where a price was not known; `usage` by model. Models and agents add up to the same."""

    turns: list[TurnSpent] = field(default_factory=list[TurnSpent])
    models: dict[str, float | None] = field(default_factory=dict[str, "float | None"])
    usage: dict[str, Usage] = field(default_factory=dict[str, Usage])
    tools: dict[str, ToolSpent] = field(default_factory=dict[str, ToolSpent])
    agents: dict[str, AgentSpent] = field(default_factory=dict[str, AgentSpent])


def spending(entries: Sequence[Entry], price_of: Callable[[str], Price | None]) -> Spending:
    """What the entries add up to. Replies cost what they cost when they came; `price_of` is for side requests."""
    spent = Spending()
    calls: dict[str, Call] = {}
    for entry in entries:
        _count(spent, entry.event, calls, price_of)
    return spent


def _count(spent: Spending, event: Event, calls: dict[str, Call], price_of: Callable[[str], Price | None]) -> None:
    if isinstance(event, UserSpoke):
        spent.turns.append(TurnSpent(event.prompt_id, one_line(event.text)))
    elif isinstance(event, ModelSpoke):
        calls |= {it.id: it for it in calls_in(event.blocks)}
        _pay(spent, AGENT, event.model, event.usage, event.cost)
        if spent.turns:
            spent.turns[-1].n_replies += 1
    elif isinstance(event, Titled) and event.model:
        _pay(spent, TITLES, event.model, event.usage, event.cost)
    elif isinstance(event, Compacted | CompactionFailed) and event.model:
        _pay(spent, COMPACTION, event.model, event.usage, event.cost)
    elif isinstance(event, CallJudged | Hooked):
        who = JUDGE if isinstance(event, CallJudged) else f"hooks of {event.event}"
        for model, numbers in event.side_usage.items():
            usage = Usage(**numbers)
            _pay(spent, who, model, usage, cost(usage, price_of(model)))
    elif isinstance(event, CallFinished):
        call = calls.get(event.call_id)
        tool = spent.tools.setdefault(call.name if call else "?", ToolSpent())
        content = event.result.content
        tool.n_calls += 1
        tool.n_failed += event.result.is_error
        tool.seconds += event.seconds
        tool.tokens += len(content if isinstance(content, str) else text_in(content)) // PER_TOKEN
        for model, numbers in event.result.side_usage.items():
            usage = Usage(**numbers)
            dollars_ = cost(usage, price_of(model))
            tool.cost = added(tool.cost, dollars_)
            _pay(spent, _agent_of(call), model, usage, dollars_)


def _agent_of(call: Call | None) -> str:
    """Who asked a model during a call: the agent that it started, by its name, else the tool itself."""
    if call is None:
        return "?"
    named = call.input.get("subagent_type")
    return f"{call.name} {one_line(named)}" if isinstance(named, str) and named else call.name


def _pay(spent: Spending, agent: str, model: str, usage: Usage, cost: float | None) -> None:
    who = spent.agents.setdefault(agent, AgentSpent())
    who.n_requests += 1
    who.usage += usage
    who.cost = added(who.cost, cost)
    spent.models[model] = added(spent.models.get(model, 0.0), cost)
    spent.usage[model] = spent.usage.get(model, Usage()) + usage
    if spent.turns:
        spent.turns[-1].cost = added(spent.turns[-1].cost, cost)


def added(one: float | None, other: float | None) -> float | None:
    """A sum that is not known where a part of it is not."""
    return None if one is None or other is None else one + other


def lines(spent: Spending) -> list[str]:
    """The whole account for people, in Markdown: models, agents where there are several, tools, a chart of the turns."""
    found = ["## By model", ""]
    found += [f"- {model}: {dollars(it)} ({_counted(spent.usage[model])})" for model, it in spent.models.items()]
    if set(spent.agents) - {AGENT}:
        found += ["", "## By agent", ""]
        found += [
            f"- {name}: {dollars(it.cost)} in {counted(it.n_requests, 'request')} ({_counted(it.usage)})"
            for name, it in spent.agents.items()
        ]
    if spent.tools:
        found += ["", "## By tool", "", "| tool | calls | failed | time | own requests | results, about |"]
        found.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, it in sorted(spent.tools.items(), key=lambda pair: -pair[1].tokens):
        row = (name, it.n_calls, it.n_failed, f"{it.seconds:.1f} s", dollars(it.cost), f"{tokens(it.tokens)} tokens")
        found.append(f"| {' | '.join(map(str, row))} |")
    shown = spent.turns[-MOST_TURNS:]
    left_out = f" (the last {MOST_TURNS} of {len(spent.turns)})" if len(spent.turns) > MOST_TURNS else ""
    return [*found, "", f"## By turn{left_out}", "", "```text", *_chart(shown), "```"]


def _chart(turns: Sequence[TurnSpent]) -> list[str]:
    most = max((it.cost or 0.0 for it in turns), default=0.0)
    bars = ["█" * round(BAR * (it.cost or 0.0) / most) if most else "" for it in turns]
    wide = max((len(dollars(it.cost)) for it in turns), default=0)
    return [
        f"{bar or '▏':<{BAR}} {dollars(it.cost):>{wide}}  {it.title}".replace("`", "'")
        for bar, it in zip(bars, turns, strict=True)
    ]


def _counted(usage: Usage) -> str:
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    return (
        f"{tokens(usage.input_tokens)} new, {tokens(usage.cache_read_tokens)} from the cache, "
        f"{tokens(written)} written to it, {tokens(usage.output_tokens)} out"
    )
