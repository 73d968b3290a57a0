"""The prompt cache, simulated from what was really sent.

A breakpoint writes the prefix that ends with its block. A read is found by looking at the breakpoint's block and the
ones before it, 20 in all. Prefixes shorter than the model's minimum are neither written nor found. Entries belong to
a model, and in the messages also to the tool choice and the way of thinking, as these change what the model sees.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from claw_lsp.testing.messages_api.models import ModelFacts
from claw_lsp.testing.messages_api.prompt import Prompt
from claw_lsp.testing.messages_api.shapes import CountRequest

LOOK_BACK: Final = 20
SECONDS: Final = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What one request read, wrote and paid for in full, in tokens.

    Invariant: `read + written_5m + written_1h + uncached` is the whole prompt.
    """

    read: int
    written_5m: int
    written_1h: int
    uncached: int


@dataclass(frozen=True, slots=True)
class CacheLine:
    """One request in the report. `best` is the longest earlier prompt that this one goes on from, in tokens.

    `shared` is the longest common beginning with any earlier prompt: where it is greater than `best`, an earlier
    prompt was changed instead of continued, or two sessions have tools and system in common.
    """

    read: int
    best: int
    shared: int
    prompt: int


@dataclass(frozen=True, slots=True)
class CacheReport:
    """What all requests read from the cache, and what they could have read."""

    lines: tuple[CacheLine, ...]

    @property
    def ratio(self) -> float:
        """The part of what could be read that was; 1.0 where nothing could."""
        best = sum(it.best for it in self.lines)
        return sum(min(it.read, it.best) for it in self.lines) / best if best else 1.0


@dataclass(slots=True)
class PromptCache:
    """What is in the cache now, and what every request so far made of it."""

    clock: Callable[[], float]
    _entries: dict[str, tuple[float, float]] = field(default_factory=dict)
    _ends: set[str] = field(default_factory=set[str])
    _seen: set[str] = field(default_factory=set[str])
    _lines: list[CacheLine] = field(default_factory=list[CacheLine])

    def use(self, prompt: Prompt, request: CountRequest, facts: ModelFacts) -> CacheUse:
        """Read what a request can read, write what it marks, and add it to the report."""
        keys = _keys(prompt, request)
        marks = [n for n, it in enumerate(prompt.pieces, start=1) if it.mark]
        found = max((self._found(keys, n) for n in marks), default=0)
        read = prompt.tokens(found)
        self._add_line(prompt, keys, read, facts)
        end = max(found, self._write(prompt, keys, marks, facts))
        last_1h = max((n for n in marks if prompt.pieces[n - 1].mark == "1h"), default=0)
        hour = min(max(prompt.tokens(last_1h) - read, 0), prompt.tokens(end) - read)
        return CacheUse(read, prompt.tokens(end) - read - hour, hour, prompt.total - prompt.tokens(end))

    def report(self) -> CacheReport:
        return CacheReport(tuple(self._lines))

    def _found(self, keys: tuple[str, ...], mark: int) -> int:
        """The longest live entry among the 20 blocks that end at the breakpoint, which it keeps alive."""
        for n in range(mark, max(mark - LOOK_BACK, 0), -1):
            ends, lifetime = self._entries.get(keys[n], (0.0, 0.0))
            if ends > self.clock():
                self._entries[keys[n]] = (self.clock() + lifetime, lifetime)
                return n
        return 0

    def _write(self, prompt: Prompt, keys: tuple[str, ...], marks: list[int], facts: ModelFacts) -> int:
        end = 0
        for n in marks:
            if prompt.tokens(n) >= facts.min_cacheable:
                lifetime = SECONDS[prompt.pieces[n - 1].mark or "5m"]
                known = self._entries.get(keys[n], (0.0, 0.0))
                self._entries[keys[n]] = max(known, (self.clock() + lifetime, lifetime))
                end = n
        return end

    def _add_line(self, prompt: Prompt, keys: tuple[str, ...], read: int, facts: ModelFacts) -> None:
        best = max((n for n, key in enumerate(keys) if key in self._ends), default=0)
        shared = max((n for n, key in enumerate(keys) if key in self._seen), default=0)
        floor = facts.min_cacheable
        worth = [tokens if (tokens := prompt.tokens(it)) >= floor else 0 for it in (best, shared)]
        self._lines.append(CacheLine(read, worth[0], worth[1], prompt.total))
        self._ends.add(keys[-1])
        self._seen.update(keys)


def _keys(prompt: Prompt, request: CountRequest) -> tuple[str, ...]:
    """The prefixes' names in the cache; from the first message on they say how the model is to think and call."""
    thinking = request.thinking.model_dump(include={"type", "budget_tokens"}) if request.thinking else None
    choice = request.tool_choice.model_dump() if request.tool_choice else None
    way = f"{thinking} {choice}" if thinking or choice else ""
    return tuple(_named(prompt, way))


def _named(prompt: Prompt, way: str) -> Iterator[str]:
    for n, prefix in enumerate(prompt.prefixes):
        in_messages = n > 0 and prompt.pieces[n - 1].section == "messages"
        yield f"{prefix} {way}" if in_messages and way else prefix
