"""M10: an archive from elsewhere is unpacked into its own folder, or not at all."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from claw_lsp.adapters.archives import unpack
from claw_lsp.facts.fault import ClawError

GOOD = {"plugin.json": b"{}", "bin/run": b"#!/bin/sh\n", "deep/er/a.txt": b"a"}
NAMES_THAT_LEAD_OUT = ["../../.bashrc", "a/../../b", "/etc/passwd", "..", "a\\..\\b", "C:/x", "a/./b", "a//b", "a\nb"]


def tar(path: Path, *entries: tarfile.TarInfo, **files: bytes) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o4755
            made.addfile(info, io.BytesIO(content))
        for it in entries:
            made.addfile(it)
    return path


def zipped(path: Path, files: dict[str, bytes], mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, content)
    return path


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def unpacked(folder: Path) -> dict[str, bytes]:
    return {str(it.relative_to(folder)): it.read_bytes() for it in folder.rglob("*") if it.is_file()}


def refused(archive: Path, tmp_path: Path, **limits: int) -> str:
    """Why nothing came of it: not in its folder, nor beside it, nor anywhere above."""
    place = tmp_path / "in" / "plugins"
    before = unpacked(tmp_path)
    with pytest.raises(ClawError) as error:
        unpack(archive, place / "x", **limits)
    assert unpacked(tmp_path) == before
    assert list(place.iterdir()) == []
    return str(error.value)


def test_files_are_unpacked_and_keep_only_whether_they_run(tmp_path: Path) -> None:
    for archive in (tar(tmp_path / "a.tgz", **GOOD), zipped(tmp_path / "a.zip", GOOD, 0o100777)):
        folder = tmp_path / f"to-{archive.suffix}"
        unpack(archive, folder)
        assert unpacked(folder) == GOOD
        assert stat.S_IMODE((folder / "bin/run").stat().st_mode) == 0o700
        with pytest.raises(ClawError, match="is there already"):
            unpack(archive, folder)


@pytest.mark.security_case("M10")
@pytest.mark.parametrize("name", NAMES_THAT_LEAD_OUT)
def test_a_name_that_leads_out_keeps_all_of_it_out(tmp_path: Path, name: str) -> None:
    assert "Nothing was unpacked" in refused(tar(tmp_path / "a.tgz", **{"good": b"x", name: b"evil"}), tmp_path)
    if name not in ("a\\..\\b",):  # zipfile itself changes some names when they are written.
        assert refused(zipped(tmp_path / "a.zip", {"good": b"x", name: b"evil"}), tmp_path)


@pytest.mark.security_case("M10")
@pytest.mark.parametrize(
    "made",
    [
        entry("l", tarfile.SYMTYPE, "/etc"),
        entry("l", tarfile.LNKTYPE, "../../x"),
        entry("p", tarfile.FIFOTYPE),
        entry("d", tarfile.CHRTYPE),
    ],
)
def test_links_and_devices_keep_all_of_it_out(tmp_path: Path, made: tarfile.TarInfo) -> None:
    assert "a link or a device" in refused(tar(tmp_path / "a.tgz", made, good=b"x"), tmp_path)


def test_a_link_in_a_zip_keeps_all_of_it_out(tmp_path: Path) -> None:
    assert "a link or a device" in refused(zipped(tmp_path / "a.zip", {"l": b"/etc"}, 0o120777), tmp_path)


def test_a_bomb_is_left_packed(tmp_path: Path) -> None:
    assert "more than" in refused(zipped(tmp_path / "a.zip", {"big": b"0" * 5000}), tmp_path, most_bytes=1000)


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive")
    assert "could not be unpacked" in refused(tmp_path / "a.zip", tmp_path)
