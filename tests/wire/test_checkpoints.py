"""Checkpoints over the real git and the real disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from claw_lsp.adapters.checkpoints.store import GitCheckpoints
from claw_lsp.facts.checkpoint import Kept, Taken

SESSION = "00000000-0000-4000-8000-000000000001"


def of(tmp_path: Path, search_path: str = os.environ["PATH"]) -> GitCheckpoints:
    return GitCheckpoints(tmp_path / "claw" / "checkpoints.git", search_path)


def root_of(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


async def taken(checkpoints: GitCheckpoints, root: Path, **texts: str) -> Taken:
    return await checkpoints.take(SESSION, [str(root)], {str(root / name): it for name, it in texts.items()})


def git(folder: Path, *args: str) -> str:
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *args]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout


async def test_r35_what_is_kept_comes_back_to_the_byte_whatever_its_name_and_kind(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    (root / "crlf.txt").write_bytes(b"a\r\nb\r\n")
    (root / ".gitattributes").write_text("* text=auto eol=lf filter=evil\n*.txt ident\n")
    (root / "binary").write_bytes(bytes(range(256)))
    (root / 'odd"na\nme\\ ü').write_bytes(b"odd")
    Path(os.fsdecode(os.fsencode(root / "raw-") + b"\xff")).write_bytes(b"raw")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("/etc/passwd")
    (root / "folder").symlink_to("/etc")
    checkpoints = of(tmp_path)
    first = await taken(checkpoints, root)
    assert first.left_out == ()
    names = [*(str(it) for it in root.iterdir()), str(root / "folder" / "passwd")]
    kept = await checkpoints.read(first.checkpoint, names)
    assert dict(kept) == dict(await checkpoints.now(it for it in names if not it.endswith("/passwd")))
    assert kept[str(root / "link")] == Kept(b"/etc/passwd", "link")
    assert kept[str(root / "run.sh")].mode == "executable"
    assert kept[str(root / "crlf.txt")].data == b"a\r\nb\r\n"


async def test_what_differs_is_told_and_an_unsaved_text_counts_and_not_the_disk(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    for name in ("same", "changed", "gone", "open"):
        (root / name).write_text(f"{name}\n")
    checkpoints = of(tmp_path)
    before = await taken(checkpoints, root, open="unsaved\n")
    (root / "changed").write_text("other\n")
    (root / "gone").unlink()
    (root / "new").write_text("new\n")
    after = await taken(checkpoints, root)
    changed = await checkpoints.changed(before.checkpoint, after.checkpoint)
    assert sorted(changed) == [str(root / it) for it in ("changed", "gone", "new", "open")]
    assert (await checkpoints.read(before.checkpoint, changed))[str(root / "open")].data == b"unsaved\n"


async def test_repositories_inside_are_covered_and_the_persons_own_is_not_touched(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    git(root, "init", "-q")
    (root / ".gitignore").write_text("*.log\n")
    (root / "x.log").write_text("ignored\n")
    for name in ("inner", "fresh"):
        (root / name).mkdir()
        git(root / name, "init", "-q")
        (root / name / "f").write_text(f"{name}\n")
    git(root / "inner", "add", "f")
    git(root / "inner", "commit", "-qm", "x")
    own = root / ".git"
    hook = tmp_path / "hooked"
    for name in ("post-index-change", "reference-transaction"):
        (own / "hooks").mkdir(exist_ok=True)
        (own / "hooks" / name).write_text(f"#!/bin/sh\ntouch {hook}\n")
        (own / "hooks" / name).chmod(0o755)
    (own / "config").write_text(f'[core]\n\tfsmonitor = "touch {hook}"\n\tworktree = /\n')
    status = sorted((str(it), it.stat().st_mtime_ns) for it in own.rglob("*"))
    checkpoints = of(tmp_path)
    first = await taken(checkpoints, root)
    (root / "inner" / "f").write_text("other\n")
    (root / "fresh" / "f").write_text("other\n")
    (root / "x.log").write_text("other\n")
    second = await taken(checkpoints, root)
    changed = await checkpoints.changed(first.checkpoint, second.checkpoint)
    assert sorted(changed) == [str(root / "fresh" / "f"), str(root / "inner" / "f")]
    assert sorted((str(it), it.stat().st_mtime_ns) for it in own.rglob("*")) == status
    assert not hook.exists()


async def test_a_workspace_inside_our_own_home_is_covered_and_the_store_is_not(tmp_path: Path) -> None:
    home = tmp_path / "claw"
    home.mkdir()
    (home / "notes.md").write_text("mine\n")
    checkpoints = of(tmp_path)
    await taken(checkpoints, home)
    first = await taken(checkpoints, home)
    (home / "notes.md").write_text("other\n")
    changed = await checkpoints.changed(first.checkpoint, (await taken(checkpoints, home)).checkpoint)
    assert changed == (str(home / "notes.md"),)


async def test_a_large_file_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    (root / "large").write_bytes(b"x" * 5_000_001)
    first = await taken(of(tmp_path), root)
    assert first.left_out == ("Larger than 5 MB, so not kept: large.",)


async def test_the_store_is_for_its_owner_alone_and_goes_with_the_session(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    (root / ".env").write_text("SECRET=1\n")
    checkpoints = of(tmp_path)
    first = await taken(checkpoints, root)
    assert (tmp_path / "claw" / "checkpoints.git").stat().st_mode & 0o777 == 0o700
    store = tmp_path / "claw" / "checkpoints.git"
    assert first.checkpoint and git(store, "for-each-ref").count(SESSION) == 1
    await checkpoints.forget([SESSION])
    assert git(store, "for-each-ref") == ""


async def test_the_oldest_of_a_session_go_and_so_does_what_a_crash_left(tmp_path: Path) -> None:
    root, store = root_of(tmp_path), tmp_path / "claw" / "checkpoints.git"
    checkpoints = GitCheckpoints(store, os.environ["PATH"], most=2)
    names: list[str] = []
    for n in range(4):
        (root / "f").write_text(f"{n}\n")
        names.append((await taken(checkpoints, root)).checkpoint)
        if n == 0:
            (store / "taking-x").mkdir()
            os.utime(store / "taking-x", (0, 0))
    assert git(store, "for-each-ref", "--format=%(objectname)").split() == names[2:]
    assert list(store.glob("taking-*")) == []


async def test_old_checkpoints_that_cannot_go_do_not_keep_a_new_one_from_being_taken(tmp_path: Path) -> None:
    root, store = root_of(tmp_path), tmp_path / "claw" / "checkpoints.git"
    checkpoints = GitCheckpoints(store, os.environ["PATH"], most=1)
    assert (await taken(checkpoints, root)).checkpoint
    git(store, "pack-refs", "--all")
    # As a process that was killed leaves it.
    (store / "packed-refs.lock").touch()
    (root / "f").write_text("new\n")
    assert (await taken(checkpoints, root)).left_out == ()


async def test_without_git_no_checkpoint_is_taken_and_that_is_said(tmp_path: Path) -> None:
    first = await taken(of(tmp_path, "/nowhere"), root_of(tmp_path))
    assert first.checkpoint == ""
    assert "git was not found; install it" in first.left_out[0]


async def test_a_file_is_put_back_only_over_what_was_expected(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    path, checkpoints = root / "a" / "f", of(tmp_path)
    assert await checkpoints.put(str(path), Kept(b"one", "executable"), None)
    assert (path.read_bytes(), path.stat().st_mode & 0o100) == (b"one", 0o100)
    assert not await checkpoints.put(str(path), Kept(b"two"), None)
    assert not await checkpoints.put(str(path), Kept(b"two"), Kept(b"one"))
    assert await checkpoints.put(str(path), Kept(b"two"), Kept(b"one", "executable"))
    assert (path.read_bytes(), path.stat().st_mode & 0o111) == (b"two", 0)
    assert await checkpoints.put(str(path), Kept(b"f2", "link"), Kept(b"two"))
    assert path.is_symlink()
    assert await checkpoints.put(str(path), None, Kept(b"f2", "link"))
    assert not path.is_symlink()


async def test_nothing_is_put_through_a_folder_that_became_a_link(tmp_path: Path) -> None:
    root = root_of(tmp_path)
    (root / "away").symlink_to(tmp_path)
    assert not await of(tmp_path).put(str(root / "away" / "f"), Kept(b"x"), None)
    assert not (tmp_path / "f").exists()
