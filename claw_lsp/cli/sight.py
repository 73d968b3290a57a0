"""`claw-lsp schema` and `claw-lsp doctor`: what there is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from claw_lsp.cli.given import the_world

if TYPE_CHECKING:
    from pydantic import BaseModel

    from claw_lsp.app.world import World
    from claw_lsp.facts.settings import Settings
    from claw_lsp.term.doctor import Provided


def schema_arguments(it: argparse.ArgumentParser) -> None:
    """Print the JSON schemas of settings, events and commands."""
    it.add_argument("of", nargs="?", choices=("settings", "events", "commands"), help="only this one")


def do_schema(args: argparse.Namespace) -> int:
    import json

    from claw_lsp.core.files.settings_shape import schema
    from claw_lsp.term.schemas import schemas

    found = schemas(schema(), _command_arguments())
    print(json.dumps(found[args.of] if args.of else found, indent=2))
    return 0


def _command_arguments() -> dict[str, type[BaseModel]]:
    from claw_lsp.lsp.answers import TABLE

    return {name: it.arguments for name, it in sorted(TABLE.items())}


def doctor_arguments(it: argparse.ArgumentParser) -> None:
    """Say what is there and what is missing. Exits with 1 if something must be mended."""


def do_doctor(args: argparse.Namespace) -> int:
    import asyncio

    from claw_lsp.adapters.claude import credentials
    from claw_lsp.adapters.claude.client import DEFAULT_BASE_URL
    from claw_lsp.adapters.clock import SystemClock
    from claw_lsp.adapters.ripgrep import ripgrep_program
    from claw_lsp.adapters.sandbox.finding import find
    from claw_lsp.app import house
    from claw_lsp.app.mcp import Folder
    from claw_lsp.term.doctor import findings, of_model, of_servers, of_trust

    world = the_world()
    own = house.own_settings(world)

    def find_key() -> str | None:
        found = house.find_key(world, own)
        if found:
            # Whichever key is used, one in a file that others can read is no secret any more.
            credentials.from_file(credentials.file_of(world.environment, world.home))
        return found.source if found else None

    path = world.environment.get("PATH", "")
    found = of_model(lambda: _provided(world, own), find_key, DEFAULT_BASE_URL)
    found += findings(world.environment, world.claw_home, ripgrep_program, lambda: find(path, [world.cwd]))
    found.append(of_trust(asyncio.run(house.trust_record(world, SystemClock()).sought(world.cwd))))
    found.append(of_servers(Folder(world, world.cwd).read()))
    print("\n".join(str(it) for it in found))
    return 1 if any(it.grade == "broken" for it in found) else 0


def _provided(world: World, own: Settings) -> Provided:
    from claw_lsp.adapters.claude.client import DEFAULT_BASE_URL
    from claw_lsp.adapters.claude.models import resolve, unknown
    from claw_lsp.app import house
    from claw_lsp.term.doctor import Provided

    cloud = house.find_cloud(world, own)
    own_address = world.environment.get("ANTHROPIC_BASE_URL", "").strip() or DEFAULT_BASE_URL
    model = resolve(own.model, own).id
    return Provided(
        provider=cloud.title if cloud else "the Messages API",
        endpoint=cloud.base_url if cloud else own_address,
        model=model,
        remark=unknown(model, own),
        source=cloud.source if cloud else None,
    )
