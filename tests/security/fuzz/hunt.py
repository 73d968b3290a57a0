"""The hunt: lines are made, judged, and run where they are allowed; what they did must be what the rules cover."""

from __future__ import annotations

import asyncio
import posixpath
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice, repeat
from random import Random
from typing import cast

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.searching import Searched
from claw_lsp.facts.call import Call
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import PlannedPath
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.processes import Processes, Sandbox
from claw_lsp.tools.bash import BashTool

from .ground import FILES, LINKS, Effects, Ground
from .lines import lines
from .policies import HOME, POLICIES, WORKSPACE, Policy

Chosen = tuple[Policy, str]
"""A line, and the policy that it is judged by."""
Allowing = Callable[[list[Chosen]], list[bool]]
"""Which of these lines are allowed."""
_AT_ONCE = 2000
_ENOUGH = 25
"""False allows; there is no point in looking for more before these are mended."""
_SHRINKING = 300
"""Runs spent on making one line shorter."""


@dataclass(frozen=True, slots=True)
class FalseAllow:
    """A line that was allowed and did what the rules do not cover."""

    policy: Policy
    line: str
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.policy.name}: {self.line!r}: {', '.join(self.wrong)}"


@dataclass(slots=True)
class Figures:
    """What came of a hunt. `allowed` counts inputs, `executed` runs: each different line once for
    each policy; `with_effects` those that started a stand-in or changed a file."""

    inputs: int = 0
    allowed: int = 0
    executed: int = 0
    with_effects: int = 0
    late: int = 0
    judging: float = 0.0
    false_allows: list[FalseAllow] = field(default_factory=list[FalseAllow])

    def __str__(self) -> str:
        mean = self.judging / max(1, self.inputs) * 1e6
        return (
            f"{self.inputs} inputs, {self.allowed} allowed, "
            f"{self.executed} runs in bash, {self.with_effects} of them with an effect, {self.late} ended late, "
            f"{len(self.false_allows)} false allows, {mean:.0f} µs to judge one"
        )


Telling = Callable[[Figures, list[FalseAllow]], None]
"""Hears the figures after each batch, and the false allows that it brought."""


class Product:
    """Judges as the product does: the tool makes its plan, with links followed, and `judge` says."""

    def __init__(self) -> None:
        self._tool = BashTool(cast(Processes, None), cast(Sandbox, None), _planted_below)
        self._scene = Scene("s", "r", WORKSPACE, (WORKSPACE,), HOME, Mode.DEFAULT, {}, (), Settings.model_validate({}))
        self._workspace = _Planted()

    def __call__(self, chosen: list[Chosen]) -> list[bool]:
        return asyncio.run(self._all(chosen))

    async def _all(self, chosen: list[Chosen]) -> list[bool]:
        return [await self._allows(policy, line) for policy, line in chosen]

    async def _allows(self, policy: Policy, line: str) -> bool:
        if not line.strip() or "\0" in line:
            return False
        call = Call(id="c", name="Bash", input={"command": line})
        try:
            plan = await self._tool.plan(call, self._scene, self._workspace)
        except ToolError:
            # A line that the tool itself does not take, such as a commit that does not say who made it.
            return False
        return judge(policy.rules, policy.mode, plan, self._scene.ground).decision == "allow"


class _Planted(DiskWorkspace):
    """The files of the sandbox, as far as a plan asks for them: where links lead."""

    async def locate(self, path: str) -> PlannedPath:
        named = "/" + posixpath.normpath(path).lstrip("/")
        target = named
        for _ in LINKS:
            for link, to in LINKS.items():
                if target == link or target.startswith(f"{link}/"):
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(link), to) + target[len(link) :])
        return PlannedPath(named, target)


async def _planted_below(searched: Searched, wanted: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(it for it in FILES if it.startswith(f"{searched.folder}/") and wanted(it))


def hunt(allowing: Allowing, n_inputs: int, seed: int = 1, told: Telling | None = None) -> Figures:
    """Judges this many lines, each by one of the policies, and runs those that are allowed."""
    figures, done, random = Figures(), set[Chosen](), Random(seed)
    source = ((random.choice(POLICIES), line) for line in lines(random))
    with ExitStack() as stack, ThreadPoolExecutor(len(POLICIES)) as pool:
        grounds = [stack.enter_context(Ground(it)) for it in POLICIES]
        while figures.inputs < n_inputs and len(figures.false_allows) < _ENOUGH:
            n_before = len(figures.false_allows)
            batch = _judged(allowing, list(islice(source, min(_AT_ONCE, n_inputs - figures.inputs))), done, figures)
            for ground, ran in zip(grounds, pool.map(_run, grounds, repeat(batch)), strict=True):
                for line, effects in ran:
                    _counted(figures, effects)
                    if len(figures.false_allows) < _ENOUGH and effects.wrong(ground.policy):
                        figures.false_allows.append(_shrunk(allowing, ground, line, effects))
            if told:
                told(figures, figures.false_allows[n_before:])
    return figures


def _judged(allowing: Allowing, chosen: list[Chosen], done: set[Chosen], figures: Figures) -> list[Chosen]:
    """Those of the lines that are allowed and were not run before."""
    began = time.perf_counter()
    answers = allowing(chosen)
    figures.judging += time.perf_counter() - began
    figures.inputs += len(chosen)
    figures.allowed += sum(answers)
    found = dict.fromkeys(it for it, allowed in zip(chosen, answers, strict=True) if allowed and it not in done)
    done |= found.keys()
    return list(found)


def _run(ground: Ground, batch: list[Chosen]) -> list[tuple[str, Effects]]:
    found = [line for policy, line in batch if policy is ground.policy]
    return list(zip(found, ground.effects(found), strict=True))


def _counted(figures: Figures, effects: Effects) -> None:
    figures.executed += 1
    figures.late += effects.late
    figures.with_effects += bool(effects.ran or effects.changed)


def _shrunk(allowing: Allowing, ground: Ground, line: str, effects: Effects) -> FalseAllow:
    """The false allow with everything taken out of the line that it does not need."""
    wrong, n_runs, size = effects.wrong(ground.policy), 0, max(1, len(line) // 2)
    while size and n_runs < _SHRINKING:
        shorter = [(ground.policy, it) for it in _without(line, size)]
        for candidate in (it for (_, it), allowed in zip(shorter, allowing(shorter), strict=True) if allowed):
            n_runs += 1
            (again,) = ground.effects([candidate])
            if again.wrong(ground.policy):
                line, wrong = candidate, again.wrong(ground.policy)
                break
        else:
            size //= 2
    return FalseAllow(ground.policy, line, tuple(wrong))


def _without(line: str, size: int) -> Iterator[str]:
    for at in range(0, len(line), size):
        yield line[:at] + line[at + size :]
