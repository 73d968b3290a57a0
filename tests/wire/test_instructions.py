"""CLAW.md and its like over real folders: which are told, in what order, and what is not followed."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claw_lsp.adapters import instructions
from claw_lsp.adapters.guidance import FolderGuidance
from claw_lsp.adapters.instructions import Looked, Sources
from claw_lsp.app.house import build
from claw_lsp.app.world import World
from claw_lsp.core.policy.notes import slug
from claw_lsp.facts.instructions import Around, FoundInstructions
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.trust import Item


class Places:
    """A home and a workspace in a folder above it; every search is asked from the workspace's `sub`."""

    def __init__(self, root: Path) -> None:
        self.home, self.above, self.managed = root / "home", root / "above", root / "managed"
        self.project = self.above / "project"
        self.sub = self.project / "sub"
        for folder in (self.home, self.sub):
            folder.mkdir(parents=True)

    def write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def sources(self, approved: Callable[[str, Item], bool] = lambda folder, it: False) -> Sources:
        managed = (str(self.managed),)
        return Sources(str(self.home), str(self.home / ".claw"), managed, owner=os.getuid(), approved=approved)

    def around(
        self,
        folder: Path,
        *,
        excludes: tuple[str, ...] = (),
        unsaved: Mapping[str, str] | None = None,
        restricted: bool = False,
    ) -> Around:
        settings = Settings.model_validate({"claudeMdExcludes": list(excludes), "restricted": restricted})
        return Around(str(folder), (str(self.project),), settings, unsaved or {})

    def find(self, *, excludes: tuple[str, ...] = (), unsaved: Mapping[str, str] | None = None) -> FoundInstructions:
        return self.look(excludes=excludes, unsaved=unsaved).found

    def look(
        self,
        *,
        excludes: tuple[str, ...] = (),
        unsaved: Mapping[str, str] | None = None,
        approved: Callable[[str, Item], bool] = lambda folder, it: False,
    ) -> Looked:
        return instructions.find(self.sources(approved), self.around(self.sub, excludes=excludes, unsaved=unsaved))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def told(found: FoundInstructions) -> list[tuple[str, str]]:
    return [(file.origin, file.text) for file in found.files]


def test_the_general_comes_before_the_specific(places: Places) -> None:
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
    found = places.find()
    assert [(file.path, file.text) for file in found.files] == [(str(path), text) for path, text in texts.items()]
    assert [file.origin for file in found.files] == ["user"] * 2 + ["project"] * 5 + ["local"] * 2 + ["project"]
    assert found.notices == ()


def test_agents_md_speaks_only_where_nothing_of_ours_does(places: Places) -> None:
    places.write(places.project / "AGENTS.md", "agents of project")
    places.write(places.sub / "AGENTS.md", "agents of sub")
    places.write(places.sub / ".claude/CLAUDE.md", "claude of sub")
    assert told(places.find()) == [("project", "agents of project"), ("project", "claude of sub")]


def test_one_file_under_two_names_is_told_once(places: Places) -> None:
    places.write(places.project / "AGENTS.md", "all the same")
    (places.project / "CLAUDE.md").symlink_to("AGENTS.md")
    (places.project / "CLAW.md").symlink_to("CLAUDE.md")
    found = places.find()
    assert (told(found), found.notices) == ([("project", "all the same")], ())


def test_the_unsaved_text_of_an_open_buffer_wins(places: Places) -> None:
    places.write(places.project / "CLAW.md", "on disk")
    buffers = {str(places.project / "CLAW.md"): "in the editor", str(places.sub / "CLAW.md"): "nowhere on disk"}
    assert told(places.find(unsaved=buffers)) == [
        ("project", "in the editor"),
        ("project", "nowhere on disk"),
    ]


def test_comments_are_dropped_but_not_in_code(places: Places) -> None:
    text = "a <!-- x\n```\ny --> b\n\n```html\n<!-- kept -->\n```\nuse `<!--` to begin\nc <!-- z -->\n"
    places.write(places.project / "CLAW.md", text)
    assert told(places.find()) == [("project", "a  b\n\n```html\n<!-- kept -->\n```\nuse `<!--` to begin\nc")]


def test_imports_follow_the_file_that_names_them(places: Places) -> None:
    places.write(places.project / "CLAW.md", "see @docs/a.md, and @docs/with\\ space.md.\nmail a@b.md and @somebody")
    places.write(places.project / "docs/a.md", "A imports @./b.md")
    places.write(places.project / "docs/b.md", "B imports @a.md")
    places.write(places.project / "docs/with space.md", "S")
    found = places.find()
    assert [text for _, text in told(found)][1:] == ["A imports @./b.md", "B imports @a.md", "S"]
    assert found.notices == ()


def test_imports_in_code_and_comments_are_text(places: Places) -> None:
    places.write(places.project / "a.md", "A")
    places.write(
        places.project / "CLAW.md", "`@a.md` ``x ` @a.md``\n```\n@a.md\n```\n<!-- @a.md -->\n~~~\n@a.md\n~~~~\n"
    )
    assert len((places.find()).files) == 1


def test_imports_end_after_four_hops(places: Places) -> None:
    for n in range(6):
        places.write(places.project / f"{n}.md", f"{n} @{n + 1}.md")
    places.write(places.project / "CLAW.md", "@0.md")
    found = places.find()
    assert [text[0] for _, text in told(found)] == ["@", "0", "1", "2", "3"]
    assert found.notices == (f"{places.project / '3.md'} imports 4.md, which is more than 4 files deep; left out.",)


def test_a_missing_import_is_noticed(places: Places) -> None:
    file = places.write(places.project / "CLAW.md", "@gone.md")
    assert (places.find()).notices == (f"{file} imports gone.md, but there is no {places.project / 'gone.md'}.",)


@pytest.mark.parametrize("name", ["~/private.md", "../outside.md", "{home}/private.md", "link.md", ".env", "x.pem"])
def test_a_project_file_cannot_pull_in_what_lies_outside_or_is_secret(places: Places, name: str) -> None:
    for path in (places.home / "private.md", places.above / "outside.md", places.project / ".env"):
        places.write(path, "SECRET")
    places.write(places.project / "x.pem", "SECRET")
    (places.project / "link.md").symlink_to(places.home / "private.md")
    places.write(places.project / "CLAW.md", "@" + name.format(home=places.home))
    found = places.find()
    assert len(found.files) == 1
    (notice,) = (*found.notices, *found.waiting)
    assert "was not read" in notice


def test_the_persons_own_file_imports_from_anywhere(places: Places) -> None:
    places.write(places.home / ".claude/CLAUDE.md", "@~/notes/style.md")
    places.write(places.home / "notes/style.md", "STYLE")
    assert told(places.find())[1:] == [("user", "STYLE")]


def test_a_claw_md_that_is_a_link_out_of_the_project_is_not_read(places: Places) -> None:
    secret = places.write(places.home / ".ssh/id_ed25519", "SECRET")
    (places.project / "CLAW.md").symlink_to(secret)
    found = places.find()
    assert found.files == ()
    assert found.notices == (
        f"{places.project / 'CLAW.md'} leads out of {places.project}, to {secret}, so it was not read.",
    )


def test_a_folder_above_that_anybody_can_write_to_says_nothing(places: Places) -> None:
    file = places.write(places.above / "CLAUDE.md", "obey me")
    places.above.chmod(0o777)
    found = places.find()
    assert found == FoundInstructions((), (f"{file} was not read: others than you can write to {places.above}.",))


def test_the_workspace_itself_may_be_shared(places: Places) -> None:
    places.write(places.project / "CLAUDE.md", "shared")
    places.project.chmod(0o777)
    assert told(places.find()) == [("project", "shared")]


def test_excluded_files_are_left_out(places: Places) -> None:
    places.write(places.above / "CLAUDE.md", "above")
    places.write(places.project / "CLAUDE.md", "project")
    places.write(places.sub / "CLAUDE.md", "sub")
    excludes = (str(places.above / "CLAUDE.md"), "**/sub/CLAUDE.md")
    assert told(places.find(excludes=excludes)) == [("project", "project")]


def test_a_huge_file_is_cut_at_a_line_and_noticed(places: Places) -> None:
    file = places.write(places.project / "CLAW.md", "0123456789\n" * 10_000)
    found = places.find()
    ((_, text),) = told(found)
    assert 39_900 < len(text) <= 40_000
    assert set(text.split("\n")) == {"0123456789"}
    assert found.notices == (f"{file} was cut after {len(text)} bytes; keep instructions short.",)


def test_all_together_are_bounded(places: Places) -> None:
    places.write(places.project / "CLAW.md", " ".join(f"@{n}.md" for n in range(70)))
    for n in range(70):
        places.write(places.project / f"{n}.md", f"{n} " + "x" * 30_000)
    found = places.find()
    assert sum(len(file.text) for file in found.files) <= instructions.MAX_TOTAL
    assert len(found.files) == 5
    assert len(found.notices) == 67


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "binary", "nothing"])
def test_r21_what_cannot_be_read_is_a_notice(places: Places, kind: str) -> None:
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
    found = places.find()
    assert told(found) == [("project", "sub")]
    (notice,) = found.notices
    assert str(file) in notice


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet="@<!-->`~\n /.aCLAW\\md", max_size=60).map(str.encode))
def test_r21_no_content_stops_the_search(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as root:
        places = Places(Path(os.path.realpath(root)))
        (places.project / "CLAW.md").write_bytes(content)
        places.write(places.sub / "CLAW.md", "sub")
        assert told(places.find())[-1] == ("project", "sub")


# ---- instructions for some files only -----------------------------------------------------------------------------


async def guided(places: Places, path: Path, *, unsaved: dict[str, str] | None = None) -> list[str]:
    """What holds for a file beside what a session in `project` begins with."""
    guidance = FolderGuidance(places.sources)
    found = await guidance.for_files([str(path)], places.around(places.project, unsaved=unsaved))
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
    assert {it for _, it in told(await asyncio.to_thread(places.find))} == {
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


# ---- what lies elsewhere ------------------------------------------------------------------------------------------


def test_what_is_managed_comes_first_and_cannot_be_excluded(places: Places) -> None:
    for path in (places.managed / "CLAUDE.md", places.home / ".claude/CLAUDE.md", places.project / "CLAUDE.md"):
        places.write(path, path.parent.name)
    found = places.find(excludes=("CLAUDE.md",))
    assert told(found) == [("managed", "managed")]
    assert told(places.find())[0] == ("managed", "managed")


def test_what_is_managed_does_not_speak_where_others_can_write_it(places: Places) -> None:
    places.write(places.managed / "CLAUDE.md", "obey me").chmod(0o666)
    found = places.find()
    assert told(found) == []
    (notice,) = found.notices
    assert "others than root may write" in notice.lower()


def test_an_import_from_elsewhere_waits_for_a_yes_to_this_very_file(places: Places) -> None:
    style = places.write(places.home / "style.md", "STYLE @more.md")
    more = places.write(places.home / "more.md", "MORE")
    file = places.write(places.project / "CLAW.md", "@~/style.md")
    looked = places.look()
    assert told(looked.found) == [("project", "@~/style.md")]
    assert looked.found.waiting == (
        f"{file} imports {style}, which lies outside of {places.project}: it was not read, and is once you approve it"
        " (claw.trust).",
    )
    (waiting,) = looked.outside
    assert (waiting.what, waiting.path) == (f"instructions from {style}", str(file))
    asked: list[str] = []

    def approved(folder: str, it: Item) -> bool:
        asked.append(folder)
        return it.digest == waiting.digest

    looked = places.look(approved=approved)
    assert told(looked.found) == [("project", "@~/style.md"), ("project", "STYLE @more.md")]
    assert [it.what for it in looked.outside] == [f"instructions from {more}"]
    assert set(asked) == {str(places.sub)}


async def test_where_the_editor_does_not_trust_the_workspace_no_earlier_yes_counts(places: Places) -> None:
    style = places.write(places.home / "style.md", "STYLE")
    places.write(places.project / "CLAW.md", "@~/style.md")
    guidance = FolderGuidance(lambda: places.sources(lambda folder, it: True))
    for restricted, expected in ((False, ["@~/style.md", "STYLE"]), (True, ["@~/style.md"])):
        found = await guidance.beginning(places.around(places.project, restricted=restricted))
        assert [it.text for it in found.files] == expected
    assert str(style) in found.waiting[0]
    assert "once the editor trusts the workspace and you approve it" in found.waiting[0]


def test_no_yes_brings_in_a_file_that_may_hold_secrets(places: Places) -> None:
    places.write(places.home / ".env", "SECRET")
    places.write(places.project / "CLAW.md", "@~/.env")
    looked = places.look(approved=lambda folder, it: True)
    assert (told(looked.found), looked.outside) == ([("project", "@~/.env")], ())


def test_a_buffer_of_a_file_from_elsewhere_is_no_way_around_the_question(places: Places) -> None:
    private = places.write(places.home / "private.md", "SECRET")
    places.write(places.project / "CLAW.md", "@~/private.md")
    found = places.find(unsaved={str(private): "SECRET, edited"})
    assert told(found) == [("project", "@~/private.md")]


# ---- the agent's notes --------------------------------------------------------------------------------------------


def test_notes_are_told_last_as_far_as_they_are_told(places: Places) -> None:
    name = slug(str(places.sub))
    places.write(places.home / ".claw/memory/MEMORY.md", "everywhere @x.md")
    places.write(places.home / f".claude/projects/{name}/memory/MEMORY.md", "of Claude Code")
    ours = places.write(places.home / f".claw/projects/{name}/memory/MEMORY.md", "a line of a note\n" * 300)
    places.write(places.sub / "CLAW.md", "sub")
    found = places.find()
    assert [origin for origin, _ in told(found)] == ["project", "memory", "memory", "memory"]
    assert [text for _, text in told(found)][1:3] == ["everywhere @x.md", "of Claude Code"]
    assert found.files[-1].text.count("\n") == 199
    assert found.notices == (f"{ours} is told to its line 200 only: at most 200 lines and 25000 bytes are.",)


def test_long_notes_are_cut_at_a_line_within_their_bytes(places: Places) -> None:
    line = "ü" * 500 + "\n"
    places.write(places.home / ".claw/memory/MEMORY.md", line * 100)
    (file,) = places.find().files
    assert file.text == (line * 24).strip()


def test_notes_are_not_told_where_they_are_switched_off_and_lie_where_the_person_says(places: Places) -> None:
    places.write(places.home / ".claw/memory/MEMORY.md", "everywhere")
    places.write(places.home / "notes/MEMORY.md", "of this project")
    places.write(places.home / f".claude/projects/{slug(str(places.sub))}/memory/MEMORY.md", "of Claude Code")
    for chosen, expected in (
        ({"autoMemoryEnabled": False}, []),
        ({"autoMemoryDirectory": str(places.home / "notes")}, ["everywhere", "of this project"]),
    ):
        around = replace(places.around(places.sub), settings=Settings.model_validate(chosen))
        assert [it.text for it in instructions.find(places.sources(), around).found.files] == expected


# ---- looking again only where something changed ---------------------------------------------------------------------


def settled(root: Path) -> None:
    """Everything below was changed long ago."""
    for path in (root, *root.rglob("*")):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)


async def texts(guidance: FolderGuidance, places: Places, *paths: Path, unsaved: Mapping[str, str] | None = None):
    around = places.around(places.project, unsaved=unsaved)
    return [it.text for it in await guidance.for_files(map(str, paths), around)]


async def test_many_files_of_a_folder_cost_one_look_and_later_ones_none(places: Places, tmp_path: Path) -> None:
    places.write(places.sub / "CLAUDE.md", "sub")
    settled(tmp_path)
    guidance = FolderGuidance(places.sources)
    files = [places.sub / f"{n}.py" for n in range(50)]
    assert await texts(guidance, places, *files) == ["sub"]
    assert guidance.n_looks == 1
    for file in files:
        changing = {"/elsewhere/x.py": file.name, str(places.project / ".claw/chats/a.md"): file.name}
        assert await texts(guidance, places, file, unsaved=changing) == ["sub"]
    assert guidance.n_looks == 1


CHANGES: dict[str, tuple[Callable[[Places], object], list[str]]] = {
    "a file is written": (lambda it: it.write(it.sub / "CLAUDE.md", "other"), ["other", "a rule"]),
    "a file goes": (lambda it: (it.sub / "CLAUDE.md").unlink(), ["a rule"]),
    "a file comes": (lambda it: it.write(it.sub / "CLAUDE.local.md", "local"), ["sub @more.md", "local", "a rule"]),
    "a folder of ours comes": (
        lambda it: it.write(it.sub / ".claw/CLAW.md", "claw"),
        ["sub @more.md", "claw", "a rule"],
    ),
    "a rule comes": (lambda it: it.write(it.sub / ".claude/rules/z.md", "z"), ["sub @more.md", "a rule", "z"]),
    "a rule comes deeper": (
        lambda it: it.write(it.sub / ".claude/rules/in/z.md", "z"),
        ["sub @more.md", "a rule", "z"],
    ),
    "a missing import comes": (lambda it: it.write(it.sub / "more.md", "more"), ["sub @more.md", "more", "a rule"]),
    "a rule of the person's comes": (
        lambda it: it.write(it.home / ".claude/rules/p.md", '---\npaths: "*.py"\n---\nmine'),
        ["mine", "sub @more.md", "a rule"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_changed_on_disk_is_seen_at_once(places: Places, tmp_path: Path, change: str) -> None:
    places.write(places.sub / "CLAUDE.md", "sub @more.md")
    places.write(places.sub / ".claude/rules/in/a.md", "a rule")
    settled(tmp_path)
    guidance = FolderGuidance(places.sources)
    file = places.sub / "a.py"
    assert await texts(guidance, places, file) == ["sub @more.md", "a rule"]
    make, expected = CHANGES[change]
    make(places)
    assert await texts(guidance, places, file) == expected


async def test_a_buffer_that_changes_is_seen_at_once_and_forgotten_when_it_closes(
    places: Places, tmp_path: Path
) -> None:
    file = places.write(places.sub / "CLAUDE.md", "sub")
    settled(tmp_path)
    guidance = FolderGuidance(places.sources)
    new = {str(places.sub / "CLAW.md"): "new", str(places.sub / ".claude/rules/r.md"): "rule"}
    for unsaved, expected in (
        ({}, ["sub"]),
        ({str(file): "one"}, ["one"]),
        ({str(file): "two"}, ["two"]),
        (new, ["sub", "new", "rule"]),
        ({}, ["sub"]),
    ):
        assert await texts(guidance, places, places.sub / "a.py", unsaved=unsaved) == expected


async def test_what_was_changed_just_before_a_look_is_looked_at_again(places: Places) -> None:
    places.write(places.sub / "CLAUDE.md", "sub")
    guidance = FolderGuidance(places.sources)
    for n_looks in (1, 2):
        await texts(guidance, places, places.sub / "a.py")
        assert guidance.n_looks == n_looks


async def test_what_told_of_some_files_is_found_again(places: Places) -> None:
    file = places.write(places.sub / "CLAUDE.md", "sub")
    rule = places.write(places.sub / ".claude/rules/a.md", '---\npaths: "*.ts"\n---\nfor ts')
    gone = places.sub / "CLAW.md"
    guidance = FolderGuidance(places.sources)
    found = await guidance.again(map(str, (file, rule, gone)), places.around(places.project))
    assert sorted(it.text for it in found) == ["for ts", "sub"]


async def test_the_question_of_trust_names_imports_from_elsewhere_once(places: Places) -> None:
    places.write(places.home / "style.md", "STYLE")
    places.write(places.project / "CLAW.md", "@~/style.md")
    world = World({"PATH": ""}, str(places.home), str(places.home / ".claw"), str(places.project))
    house = await asyncio.to_thread(build, world)
    around = places.around(places.project)
    try:
        sought = await house.trust.sought(str(places.project))
        assert [it.what for it in sought.waiting] == [f"instructions from {places.home / 'style.md'}"]
        assert [it.text for it in (await house.guidance.beginning(around)).files] == ["@~/style.md"]
        await house.trust.trust(str(places.project), sought.waiting)
        assert [it.text for it in (await house.guidance.beginning(around)).files] == ["@~/style.md", "STYLE"]
        assert (await house.trust.sought(str(places.project))).waiting == ()
    finally:
        await house.close()
