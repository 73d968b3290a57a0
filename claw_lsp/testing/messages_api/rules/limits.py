"""Rules about size: the model's output limit and its context window."""

from collections.abc import Iterator

from claw_lsp.testing.messages_api.rules.asked import Asked
from claw_lsp.testing.messages_api.shapes import Request


def max_tokens_is_within_the_models_limit(asked: Asked) -> Iterator[str]:
    request, facts = asked.request, asked.facts
    if isinstance(request, Request) and request.max_tokens > facts.max_output:
        yield (
            f"max_tokens: {request.max_tokens} > {facts.max_output}, which is the maximum allowed number of output "
            f"tokens for {request.model}"
        )


def prompt_fits_the_context(asked: Asked) -> Iterator[str]:
    if isinstance(asked.request, Request) and asked.prompt.total > asked.facts.context:
        yield f"prompt is too long: {asked.prompt.total} tokens > {asked.facts.context} maximum"


RULES = (max_tokens_is_within_the_models_limit, prompt_fits_the_context)
