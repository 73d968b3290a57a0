"""CLAW.md and its like over real folders: which are told, in what order, and what is not followed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.adapters import instructions
from claw_lsp.adapters.guidance import FolderGuidance
from claw_lsp.adapters.instructions import Found, Overlay


class Places:
    """A home and a workspace in a folder above it; every search is asked from the workspace's `sub`."""

    def __init__(self, root: Path) -> None:
        self.home, self.above = root / "home", root / "above"
        self.project = self.above / "project"
        self.sub = self.project / "sub"
        for folder in (self.home, self.sub):
            folder.mkdir(parents=True)

    def write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    async def find(self, *, excludes: tuple[str, ...] = (), overlay: Overlay | None = None) -> Found:
        return await instructions.find(
            cwd=str(self.sub),
            home=str(self.home),
            claw_home=str(self.home / ".claw"),
            roots=(str(self.project),),
            excludes=excludes,
            overlay=overlay,
        )


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def told(found: Found) -> list[tuple[str, str]]:
    return [(file.origin, file.text) for file in found.files]


async def test_the_general_comes_before_the_specific(places: Places) -> None:
    texts = {
        places.home / ".claude/CLAUDE.md": "user claude",
        places.home / ".claw/CLAW.md": "user claw",
        places.above / "CLAUDE.md": "above",
        places.project / "CLAUDE.md": "project claude",
        places.project / ".claude/CLAUDE.md": "project .claude",
        places.project / "CLAW.md": "project claw",
        places.project / ".claw/CLAW.md": "project .claw",
        places.project / "CLAUDE.local.md": "local claude",
        places.project / "CLAW.local.md": "local claw",
        places.sub / "CLAW.md": "sub",
    }
    for path, text in texts.items():
        places.write(path, text + "\n")
    found = await places.find()
    assert [(file.path, file.text) for file in found.files] == [(str(path), text) for path, text in texts.items()]
    assert [file.origin for file in found.files] == ["user"] * 2 + ["project"] * 5 + ["local"] * 2 + ["project"]
    assert found.notices == ()


async def test_agents_md_speaks_only_where_nothing_of_ours_does(places: Places) -> None:
    places.write(places.project / "AGENTS.md", "agents of project")
    places.write(places.sub / "AGENTS.md", "agents of sub")
    places.write(places.sub / ".claude/CLAUDE.md", "claude of sub")
    assert told(await places.find()) == [("project", "agents of project"), ("project", "claude of sub")]


async def test_one_file_under_two_names_is_told_once(places: Places) -> None:
    places.write(places.project / "AGENTS.md", "all the same")
    (places.project / "CLAUDE.md").symlink_to("AGENTS.md")
    (places.project / "CLAW.md").symlink_to("CLAUDE.md")
    found = await places.find()
    assert (told(found), found.notices) == ([("project", "all the same")], ())


async def test_the_unsaved_text_of_an_open_buffer_wins(places: Places) -> None:
    places.write(places.project / "CLAW.md", "on disk")
    buffers = {str(places.project / "CLAW.md"): "in the editor", str(places.sub / "CLAW.md"): "nowhere on disk"}
    assert told(await places.find(overlay=buffers.get)) == [
        ("project", "in the editor"),
        ("project", "nowhere on disk"),
    ]


async def test_comments_are_dropped_but_not_in_code(places: Places) -> None:
    text = "a <!-- x\n```\ny --> b\n\n```html\n<!-- kept -->\n```\nuse `<!--` to begin\nc <!-- z -->\n"
    places.write(places.project / "CLAW.md", text)
    assert told(await places.find()) == [("project", "a  b\n\n```html\n<!-- kept -->\n```\nuse `<!--` to begin\nc")]


async def test_imports_follow_the_file_that_names_them(places: Places) -> None:
    places.write(places.project / "CLAW.md", "see @docs/a.md, and @docs/with\\ space.md.\nmail a@b.md and @somebody")
    places.write(places.project / "docs/a.md", "A imports @./b.md")
    places.write(places.project / "docs/b.md", "B imports @a.md")
    places.write(places.project / "docs/with space.md", "S")
    found = await places.find()
    assert [text for _, text in told(found)][1:] == ["A imports @./b.md", "B imports @a.md", "S"]
    assert found.notices == ()


async def test_imports_in_code_and_comments_are_text(places: Places) -> None:
    places.write(places.project / "a.md", "A")
    places.write(
        places.project / "CLAW.md", "`@a.md` ``x ` @a.md``\n```\n@a.md\n```\n<!-- @a.md -->\n~~~\n@a.md\n~~~~\n"
    )
    assert len((await places.find()).files) == 1


async def test_imports_end_after_four_hops(places: Places) -> None:
    for n in range(6):
        places.write(places.project / f"{n}.md", f"{n} @{n + 1}.md")
    places.write(places.project / "CLAW.md", "@0.md")
    found = await places.find()
    assert [text[0] for _, text in told(found)] == ["@", "0", "1", "2", "3"]
    assert found.notices == (f"{places.project / '3.md'} imports 4.md, which is more than 4 files deep; left out.",)


async def test_a_missing_import_is_noticed(places: Places) -> None:
    file = places.write(places.project / "CLAW.md", "@gone.md")
    assert (await places.find()).notices == (f"{file} imports gone.md, but there is no {places.project / 'gone.md'}.",)


@pytest.mark.parametrize("name", ["~/private.md", "../outside.md", "{home}/private.md", "link.md", ".env", "x.pem"])
async def test_a_project_file_cannot_pull_in_what_lies_outside_or_is_secret(places: Places, name: str) -> None:
    for path in (places.home / "private.md", places.above / "outside.md", places.project / ".env"):
        places.write(path, "SECRET")
    places.write(places.project / "x.pem", "SECRET")
    (places.project / "link.md").symlink_to(places.home / "private.md")
    places.write(places.project / "CLAW.md", "@" + name.format(home=places.home))
    found = await places.find()
    assert len(found.files) == 1
    (notice,) = found.notices
    assert "was not read" in notice


async def test_the_persons_own_file_imports_from_anywhere(places: Places) -> None:
    places.write(places.home / ".claude/CLAUDE.md", "@~/notes/style.md")
    places.write(places.home / "notes/style.md", "STYLE")
    assert told(await places.find())[1:] == [("user", "STYLE")]


async def test_a_claw_md_that_is_a_link_out_of_the_project_is_not_read(places: Places) -> None:
    secret = places.write(places.home / ".ssh/id_ed25519", "SECRET")
    (places.project / "CLAW.md").symlink_to(secret)
    found = await places.find()
    assert found.files == ()
    assert found.notices == (
        f"{places.project / 'CLAW.md'} leads out of {places.project}, to {secret}, so it was not read.",
    )


async def test_a_folder_above_that_anybody_can_write_to_says_nothing(places: Places) -> None:
    file = places.write(places.above / "CLAUDE.md", "obey me")
    places.above.chmod(0o777)
    found = await places.find()
    assert found == Found((), (f"{file} was not read: others than you can write to {places.above}.",))


async def test_the_workspace_itself_may_be_shared(places: Places) -> None:
    places.write(places.project / "CLAUDE.md", "shared")
    places.project.chmod(0o777)
    assert told(await places.find()) == [("project", "shared")]


async def test_excluded_files_are_left_out(places: Places) -> None:
    places.write(places.above / "CLAUDE.md", "above")
    places.write(places.project / "CLAUDE.md", "project")
    places.write(places.sub / "CLAUDE.md", "sub")
    excludes = (str(places.above / "CLAUDE.md"), "**/sub/CLAUDE.md")
    assert told(await places.find(excludes=excludes)) == [("project", "project")]


async def test_a_huge_file_is_cut_at_a_line_and_noticed(places: Places) -> None:
    file = places.write(places.project / "CLAW.md", "0123456789\n" * 10_000)
    found = await places.find()
    ((_, text),) = told(found)
    assert 39_900 < len(text) <= 40_000
    assert set(text.split("\n")) == {"0123456789"}
    assert found.notices == (f"{file} was cut after {len(text)} bytes; keep instructions short.",)


async def test_all_together_are_bounded(places: Places) -> None:
    places.write(places.project / "CLAW.md", " ".join(f"@{n}.md" for n in range(70)))
    for n in range(70):
        places.write(places.project / f"{n}.md", f"{n} " + "x" * 30_000)
    found = await places.find()
    assert sum(len(file.text) for file in found.files) <= instructions.MAX_TOTAL
    assert len(found.files) == 5
    assert len(found.notices) == 67


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "binary", "nothing"])
async def test_r21_what_cannot_be_read_is_a_notice(places: Places, kind: str) -> None:
    file = places.project / "CLAW.md"
    places.write(places.sub / "CLAW.md", "sub")
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "loop":
        file.symlink_to("CLAW.md")
    elif kind == "binary":
        file.write_bytes(b"\x7fELF\0\0")
    else:
        file.symlink_to("missing")
    found = await places.find()
    assert told(found) == [("project", "sub")]
    (notice,) = found.notices
    assert str(file) in notice


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet="@<!-->`~\n /.aCLAW\\md", max_size=60).map(str.encode))
async def test_r21_no_content_stops_the_search(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as root:
        places = Places(Path(os.path.realpath(root)))
        (places.project / "CLAW.md").write_bytes(content)
        places.write(places.sub / "CLAW.md", "sub")
        assert told(await places.find())[-1] == ("project", "sub")


# ---- instructions for some files only -----------------------------------------------------------------------------


async def guided(places: Places, path: Path, *, unsaved: dict[str, str] | None = None) -> list[str]:
    """What holds for a file beside what a session in `project` begins with."""
    guidance = FolderGuidance(str(places.home), str(places.home / ".claw"))
    found = await guidance.for_file(
        str(path), cwd=str(places.project), roots=(str(places.project),), excludes=(), unsaved=unsaved or {}
    )
    return [it.text for it in found]


async def test_rules_hold_from_the_beginning_unless_they_name_paths(places: Places) -> None:
    for name, text in (
        (".claude/rules/style.md", "always"),
        (".claw/rules/deep/er.md", "---\ndescription: x\n---\nalways too"),
        (".claude/rules/api.md", '---\npaths: ["src/**/*.ts", "*.sql"]\n---\nfor the api'),
        (".claude/rules/bad.md", "---\npaths: [\n---\nno map, so always"),
    ):
        places.write(places.project / name, text)
    places.write(places.home / ".claude/rules/mine.md", "the person's")
    places.write(places.home / ".claw/rules/tests.md", "---\npaths: tests/**, *_test.py\n---\nfor tests")
    assert {it for _, it in told(await places.find())} == {
        "the person's",
        "always",
        "always too",
        "no map, so always",
    }
    assert await guided(places, places.write(places.project / "src/a/b.ts", "")) == ["for the api"]
    assert await guided(places, places.write(places.project / "sub/x.sql", "")) == ["for the api"]
    assert await guided(places, places.write(places.project / "tests/x.py", "")) == ["for tests"]
    assert await guided(places, places.write(places.project / "src/b.py", "")) == []


async def test_files_of_folders_below_hold_for_what_lies_there(places: Places) -> None:
    places.write(places.project / "CLAUDE.md", "told at the beginning")
    places.write(places.project / "sub/CLAUDE.md", "sub. @more.md")
    places.write(places.project / "sub/more.md", "imported")
    places.write(places.project / "sub/deep/AGENTS.md", "deep")
    places.write(places.project / "sub/.claude/rules/here.md", "a rule of sub")
    places.write(places.project / "node_modules/x/CLAUDE.md", "others wrote this")
    places.write(places.above / "other/CLAUDE.md", "outside")
    inner = ["sub. @more.md", "imported", "a rule of sub"]
    assert await guided(places, places.write(places.sub / "a.py", "")) == inner
    assert await guided(places, places.write(places.sub / "deep/a.py", "")) == [*inner, "deep"]
    for path in (places.project / "a.py", places.project / "node_modules/x/a.js", places.above / "other/a.py"):
        assert await guided(places, places.write(path, "")) == []
    changed = {str(places.sub / "CLAUDE.md"): "unsaved"}
    assert await guided(places, places.sub / "a.py", unsaved=changed) == ["unsaved", "a rule of sub"]
    assert await guided(places, places.sub / "gone/a.py") == []
