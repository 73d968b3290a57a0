"""`python -m claw_lsp.testing.messages_api SCENARIO [--port N]`: serve a scenario file until interrupted."""

import argparse
import asyncio
import contextlib
from pathlib import Path

from claw_lsp.testing.messages_api.scenario import Scenario, load_scenario
from claw_lsp.testing.messages_api.server import MessagesApi


def main() -> None:
    """Serve a scenario; the first line on stdout is the URL."""
    parser = argparse.ArgumentParser(prog="python -m claw_lsp.testing.messages_api", description=main.__doc__)
    parser.add_argument("scenario", type=Path, help="a scenario file (JSON)")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1, by default any free one")
    parser.add_argument("--key", default="sk-ant-scripted", help="the key that requests must carry")
    parser.add_argument("--value", action="append", default=[], metavar="NAME=TEXT", help="fills {{NAME}}")
    args = parser.parse_args()
    values: list[str] = args.value
    given = dict(it.split("=", 1) for it in values)
    scenario = load_scenario(args.scenario).with_values(**given)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(scenario, args.key, args.port))


async def _serve(scenario: Scenario, key: str, port: int) -> None:
    async with MessagesApi(scenario, key=key, port=port) as api:
        print(api.url, flush=True)  # noqa: T201 - the one thing this server says
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
