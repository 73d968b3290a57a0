"""What tells that files changed. Nothing is imported before something is watched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable

from claw_lsp.app.world import World


def settings_changes(world: World, folders: Callable[[], Iterable[str]]) -> AsyncGenerator[tuple[str, ...]]:
    """The settings files and lists of MCP servers of these folders, each time that some changed."""
    from claw_lsp.adapters.mcp.config import files_of as mcp_files_of
    from claw_lsp.adapters.settings import files_of
    from claw_lsp.adapters.watching import FileWatch

    def watched() -> tuple[str, ...]:
        here = tuple(folders())
        return (*files_of(world.home, world.claw_home, here), *mcp_files_of(world.claw_home, here))

    return FileWatch().changes(watched)


def file_changes(paths: tuple[str, ...]) -> AsyncGenerator[tuple[tuple[str, str], ...]]:
    """What happens to these files."""
    from claw_lsp.adapters.watching import FileWatch

    return FileWatch().happenings(lambda: paths)
