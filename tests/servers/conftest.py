"""What the tests of real MCP servers need is there before the first of them runs."""

from __future__ import annotations

import pytest
from installing import provide


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        provide(session.items)
