"""What holds for every test: blocking calls fail it, 20 seconds are enough, and case files can be written anew."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from tests.replay import assert_logs_replay

hypothesis.settings.register_profile(
    "claw",
    derandomize=True,
    phases=[it for it in hypothesis.Phase if it is not hypothesis.Phase.explain],
)
hypothesis.settings.load_profile("claw")
# Every run tries the same examples, so that a change is judged by what it changes; `--search` looks for other ones. The phase
# that explains a failure traces every line, and has crashed the interpreter (CPython 3.11.7).

SLOW = ("editors", "e2e", "servers", "soak")
"""Folders whose tests start editors or processes, and may take longer than `MOST` seconds."""
MOST = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--search", type=int, default=0, help="try so many examples of each law, other ones in every run")
    parser.addoption(
        "--update-cases", action="store_true", help="write the expected parts of tests/cases/*.case as they come out"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if n_examples := config.getoption("--search"):
        _search(items, n_examples)
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        limit = item.get_closest_marker("timeout")
        if folder not in SLOW and (limit is None or limit.args[0] > MOST):
            item.add_marker(pytest.mark.timeout(MOST), append=False)
        if item.get_closest_marker("vscode") and config.pluginmanager.hasplugin("xdist"):
            # One VS Code is started for all of its tests, so one worker has them all.
            item.add_marker(pytest.mark.xdist_group("vscode"))


def _search(items: list[pytest.Item], n_examples: int) -> None:
    for item in items:
        law = getattr(item, "obj", None)
        if hasattr(law, "hypothesis"):
            # hypothesis has no public way to say it anew of a test that says itself how many it tries.
            own = law._hypothesis_internal_use_settings
            wanted = hypothesis.settings(own, max_examples=n_examples, derandomize=False, deadline=None)
            law._hypothesis_internal_use_settings = wanted
            item.add_marker(pytest.mark.timeout(0), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """No code of ours may block the loop. Tests themselves may, and so may what plays the other side."""
    function = getattr(item, "obj", None)
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    if not inspect.iscoroutinefunction(inner):
        return (yield)
    with blockbuster_ctx("claw_lsp", excluded_modules=["claw_lsp.testing"]) as detector:
        _except_the_log(detector)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Every log that a test leaves obeys the replay law."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    yield
    if isinstance(folder, Path) and folder.is_dir():
        assert_logs_replay(folder)


def _except_the_log(detector: BlockBuster) -> None:
    """The one listed exception: what is shown was written before, in order, and the append is short (ports.Log)."""
    for function in detector.functions.values():
        function.can_block_in("claw_lsp/adapters/jsonl/log.py", {"append", "keep", "close"})
