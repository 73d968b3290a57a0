"""`python -m benchmarks [--rounds N]`: measure everything, side by side, and print one table."""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from benchmarks import chat, commands, doors, latency, mcp, sessions
from benchmarks.doors import Seen

Numbers = list[float]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything of one run: the three ways to have a turn, round by round, and the answers' times."""

    bare: list[Seen]
    run: list[Seen]
    serve: list[Seen]
    empty: Numbers
    handshake: Numbers
    importing: Numbers
    busy: Numbers
    command: Numbers
    sandboxed: Numbers
    kept: sessions.Kept
    served: mcp.Kept


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured (default 5)")
    rounds: int = parser.parse_args().rounds
    console = Console(width=110)
    with console.status("measuring …") as status:
        measured = asyncio.run(measure(max(1, rounds), status.update))
    console.print(table(measured))
    console.print(
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, anthropic"
        f" {version('anthropic')}, pygls {version('pygls')}; medians of {rounds} rounds taken in turn. Compare the"
        " ratios: the times depend on the machine."
    )


async def measure(rounds: int, say: Callable[[str], None]) -> Measured:
    """Each round takes every front door in turn, so that a busy minute is everybody's."""
    say("sessions of the past")
    found = Measured([], [], [], [], [], [], [], [], [], await sessions.measured(), mcp.Kept())
    for n in range(1, rounds + 1):
        say(f"round {n} of {rounds}: turns")
        found.bare.append(await doors.bare_loop())
        found.serve.append(await doors.claw_serve())
        found.run.append(await doors.claw_run())
        say(f"round {n} of {rounds}: answers")
        found.empty.append(await latency.handshake(latency.EMPTY))
        found.handshake.append(await latency.handshake(latency.SERVE))
        found.importing.extend(await latency.while_importing())
        found.busy.extend(await latency.while_a_turn_runs())
        say(f"round {n} of {rounds}: commands")
        bare, sandboxed = await commands.bare_and_sandboxed()
        found.command.extend(bare)
        found.sandboxed.extend(sandboxed)
        say(f"round {n} of {rounds}: MCP servers")
        await mcp.round_of(found.served)
    return found


def table(it: Measured) -> Table:
    """What was measured, what it is measured against, and what it should be."""
    shown = Table(title="claw-lsp against a bare loop over the SDK, and an empty pygls server")
    for column in ("", "bare", "serve", "ratio", "run", "ratio", "aim"):
        shown.add_column(column, justify="left" if not column else "right")

    def against(title: str, of: Callable[[Seen], float], aim: str) -> None:
        bare, serve, run = (statistics.median(map(of, seen)) for seen in (it.bare, it.serve, it.run))
        shown.add_row(
            title, f"{bare:.1f} ms", f"{serve:.1f} ms", f"{serve / bare:.2f}", f"{run:.1f} ms", f"{run / bare:.2f}", aim
        )

    def alone(title: str, bare: str, serve: str, run: str, aim: str) -> None:
        shown.add_row(title, bare, serve, "", run, "", aim)

    against("per turn, 50 single reads: median", lambda it: statistics.median(it.single), "1.5 ×")
    against("  90 of 100 at most", lambda it: _at(list(it.single), 0.9), "")
    against("50 parallel reads", lambda it: it.parallel, "2 ×")
    empty, claw = statistics.median(it.empty), statistics.median(it.handshake)
    shown.add_row(
        "start until initialize is answered",
        f"{empty:.0f} ms",
        f"{claw:.0f} ms",
        f"{claw / empty:.2f}",
        "",
        "",
        "1.3 ×",
    )
    for title, took, aim in (
        ("answers while a turn runs", it.busy, 10),
        ("answers while the SDK is imported", it.importing, 50),
    ):
        alone(f"{title}, p99", "", f"{_at(took, 0.99):.1f} ms", "", f"{aim} ms")
        alone(f"  of {len(took)} answers, the slowest", "", f"{max(took):.1f} ms", "", "")
    for title, seen in (("", chat.incremental()), (", whole texts told", chat.whole())):
        alone(f"one flush into a chat of 1 MB{title}", "", f"{seen.long:.1f} ms", "", "10 ms")
        alone("  into an empty one", "", f"{seen.short:.1f} ms", "", "")
    _sandbox(it, shown)
    for title, figure, aim in sessions.rows(it.kept):
        alone(title, "", figure, "", aim)
    for title, without, served, ratio, aim in mcp.rows(it.served):
        shown.add_row(f"{title}, without and with ten MCP servers", without, served, ratio, "", "", aim)
    alone("memory after the turn (RSS)", "", f"{max(it.rss for it in it.serve):.0f} MB", "", "130 MB")
    bare, serve, run = it.bare[0], it.serve[0], it.run[0]
    alone("first request", *(f"{seen.first_kb:.1f} KB" for seen in (bare, serve, run)), "")
    alone(
        "  system and tools of it",
        *(f"{seen.fixed_kb:.1f} KB, {seen.n_tools}" for seen in (bare, serve, run)),
        "28 KB",
    )
    alone("cached of what could be, 50 single", *(f"{seen.cache_chain:.3f}" for seen in (bare, serve, run)), "0.99")
    alone("  after 50 parallel", *(f"{seen.cache_parallel:.3f}" for seen in (bare, serve, run)), "0.99")
    return shown


def _sandbox(it: Measured, shown: Table) -> None:
    """A command against the same one in the sandbox, where there is one."""
    if it.sandboxed:
        bare, inside = statistics.median(it.command), statistics.median(it.sandboxed)
        shown.add_row(
            "a command, in the sandbox", f"{bare:.0f} ms", f"{inside:.0f} ms", f"{inside / bare:.2f}", "", "", ""
        )


def _at(numbers: Numbers, share: float) -> float:
    """The number that this share of them does not exceed."""
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * share))]


if __name__ == "__main__":
    main()
