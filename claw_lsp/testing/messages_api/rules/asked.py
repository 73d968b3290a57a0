"""What every rule looks at, and what a rule is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from claw_lsp.testing.messages_api.ledger import Ledger
from claw_lsp.testing.messages_api.models import ModelFacts
from claw_lsp.testing.messages_api.prompt import Prompt
from claw_lsp.testing.messages_api.shapes import Block, CountRequest, Message


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose shape is right, with what is known of its model and of the replies given before."""

    request: CountRequest
    prompt: Prompt
    facts: ModelFacts
    ledger: Ledger
    betas: frozenset[str]

    @property
    def last_assistant(self) -> int:
        """The number of the latest assistant message, -1 if there is none."""
        numbered = enumerate(self.request.messages)
        return max((n for n, it in numbered if it.role == "assistant"), default=-1)


Rule = Callable[[Asked], Iterator[str]]
"""Yields what is wrong, in the API's words; the first complaint is the answer."""


def numbered_messages(asked: Asked) -> Iterator[tuple[str, Message]]:
    for m, message in enumerate(asked.request.messages):
        yield f"messages.{m}", message


def numbered_blocks(asked: Asked) -> Iterator[tuple[str, Message, Block]]:
    """All blocks of all messages, with where they stand."""
    for where, message in numbered_messages(asked):
        for n, block in enumerate(message.content):
            yield f"{where}.content.{n}", message, block
