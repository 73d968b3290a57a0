"""Playing a scenario: which reply comes next, and which were never wanted."""

from collections.abc import Iterable
from typing import Any, cast

from claw_lsp.testing.messages_api.recorded import Recorded
from claw_lsp.testing.messages_api.refusal import Refused
from claw_lsp.testing.messages_api.scenario import Improvised, Match, Reply, Scenario


class Playing:
    """A scenario under way.

    Invariant: `_left[n]` is how often reply n may still be played, None for always.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._values = scenario.values
        self._replies = [
            _filled(it, scenario.values) if isinstance(it, Reply) else _filled_match(it, scenario.values)
            for it in scenario.replies
        ]
        self._left = [None if it.times == "always" else it.times for it in self._replies]

    def take(self, recorded: Recorded) -> Reply:
        """The first reply not used up that fits; raises Refused (500) if there is none."""
        for n, reply in enumerate(self._replies):
            left = self._left[n]
            if left != 0 and _fits(recorded, reply.match):
                self._left[n] = None if left is None else left - 1
                return reply if isinstance(reply, Reply) else _filled(reply.make(recorded), self._values)
        raise Refused(500, f"the script has no reply for this request: {recorded.last_user_text or '(no user text)'}")

    def leftover(self) -> list[Reply | Improvised]:
        """The replies still owed; those that may be played always are not."""
        return [it for it, left in zip(self._replies, self._left, strict=True) if left]


def _fits(recorded: Recorded, match: Match) -> bool:
    """Whether all that the match asks for holds."""
    return (
        (match.last_user_contains is None or match.last_user_contains in recorded.last_user_text)
        and (match.has_tool_result is None or match.has_tool_result in recorded.tool_results)
        and (match.n_messages is None or match.n_messages == len(recorded.body["messages"]))
        and (match.model is None or match.model == recorded.body["model"])
        and (match.system_contains is None or match.system_contains in recorded.system_text)
        and (match.tools_contain is None or match.tools_contain in recorded.tool_names)
    )


def _filled(reply: Reply, values: dict[str, str]) -> Reply:
    return Reply.model_validate(_with_values(reply.model_dump(), values.items())) if values else reply


def _filled_match(improvised: Improvised, values: dict[str, str]) -> Improvised:
    match = Match.model_validate(_with_values(improvised.match.model_dump(), values.items()))
    return improvised.model_copy(update={"match": match})


def _with_values(node: Any, values: Iterable[tuple[str, str]]) -> Any:
    if isinstance(node, str):
        for name, value in values:
            node = node.replace("{{" + name + "}}", value)
        return node
    if isinstance(node, dict):
        return {key: _with_values(it, values) for key, it in cast(dict[str, Any], node).items()}
    if isinstance(node, list | tuple):
        return [_with_values(it, values) for it in cast(list[Any], node)]
    return node
