"""What the tools about resources of MCP servers share."""

from __future__ import annotations

from claw_lsp.facts.scene import Scene


def home_of(scene: Scene) -> str:
    """The folder whose servers a session has."""
    return scene.roots[0] if scene.roots else scene.cwd
