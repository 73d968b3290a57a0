"""The plain disk: what is opened, how it is decoded, and what a write keeps."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from claw_lsp.adapters.disk import (
    EDIT_LIMIT,
    DiskWorkspace,
    create_document,
    located,
    read_bytes,
    read_document,
    read_window,
    write_document,
)
from claw_lsp.adapters.disk.places import spelled
from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.text import Change, Document, TextEdit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


GREETING = "Grüße, 世界 🎈\r\nline two \n"

KEPT = {
    "utf-8": GREETING.encode(),
    "utf-8-sig": b"\xef\xbb\xbf" + GREETING.encode(),
    "utf-16-le": b"\xff\xfe" + GREETING.encode("utf-16-le"),
    "utf-16-be": b"\xfe\xff" + GREETING.encode("utf-16-be"),
    "utf-32-le": b"\xff\xfe\0\0" + GREETING.encode("utf-32-le"),
    "utf-32-be": b"\0\0\xfe\xff" + GREETING.encode("utf-32-be"),
}
SHOWN_ONLY = {
    "latin-1": "Grüße\n".encode("latin-1"),
    "cp1252": "“Grüße” €\n".encode("cp1252"),
    "iso8859-2": "Zażółć gęślą\n".encode("iso8859-2"),
    "iso8859-15": "20 €\n".encode("iso8859-15"),
    "koi8-r": "Привет\n".encode("koi8-r"),
    "cp1251": "Привет\n".encode("cp1251"),
    "mac-roman": "Grüße\n".encode("mac-roman"),
    "shift_jis": "こんにちは\n".encode("shift_jis"),
    "euc-jp": "こんにちは\n".encode("euc-jp"),
    "gb18030": "你好\n".encode("gb18030"),
    "big5": "你好\n".encode("big5"),
    "euc-kr": "안녕\n".encode("euc-kr"),
    "cut utf-8": "Grüße 🎈".encode()[:-1],
    "overlong utf-8": b"a\xc0\xafb\n",
    "surrogate in utf-8": b"a\xed\xa0\x80b\n",
    "odd utf-16": b"\xff\xfeh\0e",
}


@pytest.mark.parametrize("encoding", KEPT)
def test_r29_what_has_a_mark_or_is_utf8_is_decoded_and_written_back_to_the_byte(folder: Path, encoding: str) -> None:
    path = put(folder / "a.txt", KEPT[encoding])
    document = read_document(path)
    assert document == Document(path, GREETING, encoding=encoding)
    write_document(document, GREETING.replace("two", "2"))
    plain = encoding.removesuffix("-sig")
    assert (folder / "a.txt").read_bytes() == KEPT[encoding].replace("two".encode(plain), "2".encode(plain))


@pytest.mark.parametrize("name", SHOWN_ONLY)
def test_r29_any_other_encoding_can_be_looked_at_but_never_edited(folder: Path, name: str) -> None:
    path = put(folder / "a.txt", SHOWN_ONLY[name])
    with pytest.raises(ToolError, match="can be read but not edited"):
        read_document(path)
    window = read_window(path, 1, 10, 100)
    assert len(window.lines) == 1
    assert "not edited" in window.why
    assert (folder / "a.txt").read_bytes() == SHOWN_ONLY[name]


def test_r29_seven_bit_encodings_go_through_unchanged(folder: Path) -> None:
    data = "こんにちは\n".encode("iso2022_jp") + "Grüße".encode("utf-7")
    document = read_document(put(folder / "a.txt", data))
    write_document(document, "new\n" + document.text)
    assert (folder / "a.txt").read_bytes() == b"new\n" + data


def test_r29_utf16_without_a_mark_is_taken_for_binary(folder: Path) -> None:
    with pytest.raises(ToolError, match="is binary: binary data, 10 bytes"):
        read_document(put(folder / "a.txt", "hello".encode("utf-16-le")))


def test_r29_latin1_is_shown_as_its_letters(folder: Path) -> None:
    window = read_window(put(folder / "a.txt", "Grüße\nÄrger".encode("latin-1")), 1, 10, 100)
    assert window.lines == ("Grüße", "Ärger")


@pytest.mark.parametrize(
    ("head", "sort"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG image"),
        (b"SQLite format 3\0\x10\0", "SQLite database"),
        (b"\x7fELF\x02\x01\x01\0\0", "ELF program or library"),
        (b"text for a while" * 500 + b"\0", "binary data"),
    ],
)
def test_r30_a_nul_in_the_first_8_kib_gives_size_and_type_only(folder: Path, head: bytes, sort: str) -> None:
    path = put(folder / "thing", head)
    for look in (read_document, lambda it: read_window(it, 1, 10, 100)):
        with pytest.raises(ToolError, match=f"is binary: {sort}, "):
            look(path)


def test_r30_a_nul_after_the_first_8_kib_is_text(folder: Path) -> None:
    text = "x" * 8192 + "\0"
    assert read_document(put(folder / "a.txt", text.encode())).text == text


def test_r31_twenty_megabytes_are_read_by_windows_and_not_edited(folder: Path) -> None:
    line = b"0123456789abcdef" * 4
    path = put(folder / "big.txt", b"".join(b"%07d %s\n" % (n, line) for n in range(1, 280_001)))
    with pytest.raises(ToolError, match=r"files over 10\.0 MB can be read by windows"):
        read_document(path)
    window = read_window(path, 200_000, 3, 7)
    assert [text[:8] for text in window.lines] == ["0200000 ", "0200001 ", "0200002 "]
    assert window.more
    assert window.size == Path(path).stat().st_size
    end = read_window(path, 279_999, 10, 7)
    assert (len(end.lines), end.more) == (2, False)


def test_r31_a_sparse_gigabyte_is_looked_at_without_loading_it(folder: Path) -> None:
    path = put(folder / "sparse.txt", b"first line\n" * 1000)
    os.truncate(path, 1 << 30)
    with pytest.raises(ToolError, match=r"is 1024\.0 MB"):
        read_document(path)
    window = read_window(path, 999, 2, 100)
    assert (window.lines, window.more) == (("first line", "first line"), True)


def test_r32_one_line_of_50_mb_is_cut(folder: Path) -> None:
    window = read_window(put(folder / "a.txt", b"x" * (50 << 20) + b"\r\nend"), 1, 10, 100)
    assert window.lines == ("x" * 101, "end")


@pytest.mark.parametrize("cut_at", [1, 2, 3])
def test_windows_count_lines_the_same_wherever_pieces_end(folder: Path, cut_at: int) -> None:
    filler = b"a" * ((1 << 20) - cut_at)
    window = read_window(put(folder / "a.txt", filler + b"\r\nb\rc\n" + b"\xff" + b"d\n"), 1, 10, 5)
    assert window.lines == ("aaaaaa", "b", "c", "\xffd")


def test_r27_each_fault_says_what_it_is(folder: Path) -> None:
    text = Document(put(folder / "read_only.txt", b"a\n"), "a\n")
    (folder / "read_only.txt").chmod(0o444)
    (folder / "d").mkdir()
    with pytest.raises(NoSuchFile, match=r"gone\.txt does not exist"):
        read_document(str(folder / "gone.txt"))
    with pytest.raises(NoSuchFile, match="a part of that path is a file"):
        read_document(str(folder / "read_only.txt" / "x"))
    with pytest.raises(ToolError, match="d is a directory"):
        read_document(str(folder / "d"))
    with pytest.raises(ToolError, match=r"is read-only \(mode 444\)"):
        write_document(text, "b\n")
    with pytest.raises(StaleDocument, match="was deleted"):
        write_document(Document(str(folder / "gone.txt"), "a\n"), "b\n")
    with pytest.raises(ToolError, match="too long"):
        read_document(str(folder / ("x" * 300)))
    with pytest.raises(ToolError, match=r"is 2 bytes; at most 1 bytes"):
        read_bytes(text.path, 1)
    assert sorted(os.listdir(folder)) == ["d", "read_only.txt"]
    assert (folder / "read_only.txt").read_bytes() == b"a\n"


def test_r38_what_is_no_regular_file_is_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    os.symlink("loop2", folder / "loop1")
    os.symlink("loop1", folder / "loop2")
    os.symlink("/dev/zero", folder / "zero")
    os.symlink("pipe", folder / "to_pipe")
    os.mknod(folder / "sock", stat.S_IFSOCK | 0o600)
    expected = {
        "pipe": "a named pipe",
        "to_pipe": "a named pipe",
        "sock": "a socket",
        "zero": "a device",
        "loop1": "a loop of symbolic links",
    }
    for name, words in expected.items():
        for look in (read_document, lambda it: read_window(it, 1, 1, 1), lambda it: read_bytes(it, 10)):
            with pytest.raises(ToolError, match=words):
                look(str(folder / name))
    for path in (
        "/proc/self/environ",
        "/proc/self/root/proc/self/environ",
        "/proc/self/mem",
        "/dev/null",
        "/dev/stdin",
    ):
        with pytest.raises(ToolError, match=r"kernel makes up|a device|a named pipe|is a directory"):
            read_document(path)


def test_r38_a_file_swapped_for_a_pipe_between_read_and_write_is_refused(folder: Path) -> None:
    document = read_document(put(folder / "a.txt", b"a"))
    (folder / "a.txt").unlink()
    os.mkfifo(folder / "a.txt")
    with pytest.raises(ToolError, match="a named pipe"):
        write_document(document, "b")


def test_r26_nothing_is_written_over_a_file_that_changed_since_it_was_read(folder: Path) -> None:
    document = read_document(put(folder / "a.txt", b"one\n"))
    put(folder / "a.txt", b"two\n")
    with pytest.raises(StaleDocument, match="changed since it was read"):
        write_document(document, "three\n")
    assert (folder / "a.txt").read_bytes() == b"two\n"
    put(folder / "a.txt", b"\xef\xbb\xbfone\n")
    with pytest.raises(StaleDocument):
        write_document(document, "three\n")


async def test_r26_a_change_elsewhere_in_the_file_is_merged_and_one_in_the_same_place_refused(folder: Path) -> None:
    path = put(folder / "a.txt", b"one\ntwo\nthree\nfour\nfive\n")
    document = await DiskWorkspace().read(path)
    change = Change(path, document, (TextEdit(4, 7, "TWO"),))
    put(folder / "a.txt", b"one\ntwo\nthree\nfour\nFIVE\n")
    applied = await DiskWorkspace().apply(change, "x")
    assert (applied.merged, applied.saved) == (True, True)
    assert (folder / "a.txt").read_bytes() == b"one\nTWO\nthree\nfour\nFIVE\n"
    put(folder / "a.txt", b"one\n222\nthree\nfour\nfive\n")
    with pytest.raises(StaleDocument, match="in the same place"):
        await DiskWorkspace().apply(change, "x")
    (folder / "a.txt").unlink()
    with pytest.raises(StaleDocument, match="was deleted"):
        await DiskWorkspace().apply(change, "x")
    assert os.listdir(folder) == []


async def test_r36_creating_never_overwrites(folder: Path) -> None:
    path = str(folder / "new" / "deep" / "a.txt")
    create = Change(path, None, (TextEdit(0, 0, "mine\n"),))
    applied = await DiskWorkspace().apply(create, "x")
    assert applied.document == Document(path, "mine\n")
    with pytest.raises(StaleDocument, match="exists by now"):
        await DiskWorkspace().apply(Change(path, None, (TextEdit(0, 0, "other"),)), "x")
    assert Path(path).read_bytes() == b"mine\n"
    assert os.listdir(Path(path).parent) == ["a.txt"]


def test_a_write_keeps_mode_and_links_and_says_when_hard_links_part(folder: Path) -> None:
    path = put(folder / "a.sh", b"one\n")
    os.chmod(path, 0o754)
    os.symlink("a.sh", folder / "link")
    written = write_document(read_document(str(folder / "link")), "two\n")
    assert (written.notice, written.document.path) == ("", str(folder / "link"))
    assert os.readlink(folder / "link") == "a.sh"
    assert Path(path).read_bytes() == b"two\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o754
    os.link(path, folder / "twin")
    written = write_document(read_document(path), "three\n")
    assert "had 2 hard links" in written.notice
    assert (folder / "twin").read_bytes() == b"two\n"


def test_r18_a_lone_surrogate_is_refused_with_a_clear_error(folder: Path) -> None:
    document = read_document(put(folder / "a.txt", b"one\n"))
    for attempt in (
        lambda: write_document(document, "two \ud83d"),
        lambda: create_document(str(folder / "b.txt"), "\udc00"),
    ):
        with pytest.raises(ToolError, match="lone surrogate"):
            attempt()
    assert os.listdir(folder) == ["a.txt"]
    assert (folder / "a.txt").read_bytes() == b"one\n"


def test_a_write_over_the_limit_is_refused(folder: Path) -> None:
    with pytest.raises(ToolError, match="are not written"):
        create_document(str(folder / "big"), "x" * (EDIT_LIMIT + 1))
    assert os.listdir(folder) == []


def test_a_failed_write_leaves_no_temporary_file(folder: Path) -> None:
    (folder / "d").mkdir()
    with pytest.raises(ToolError, match=r"is a directory|exists by now"):
        create_document(str(folder / "d"), "x")
    assert os.listdir(folder) == ["d"]


def test_r34_links_are_followed_to_where_they_lead(folder: Path) -> None:
    """P03, P04, P05 and the alias of P16."""
    outside = folder / "home"
    inside = folder / "ws"
    outside.mkdir()
    inside.mkdir()
    put(outside / "id_rsa", b"key")
    os.symlink(outside / "id_rsa", inside / "key")
    os.symlink(outside, inside / "out")
    os.symlink(outside / ".bash_login", inside / "cfg")
    found = {name: located(str(inside / name)) for name in ("key", "out/.zshrc", "cfg", "a/../../home/x", "plain/new")}
    assert {name: (place.path, place.target) for name, place in found.items()} == {
        "key": (f"{inside}/key", f"{outside}/id_rsa"),
        "out/.zshrc": (f"{inside}/out/.zshrc", f"{outside}/.zshrc"),
        "cfg": (f"{inside}/cfg", f"{outside}/.bash_login"),
        "a/../../home/x": (f"{outside}/x", f"{outside}/x"),
        "plain/new": (f"{inside}/plain/new", f"{inside}/plain/new"),
    }
    assert located(f"/proc/self/root{outside}/id_rsa").target == f"{outside}/id_rsa"
    assert located(f"/{inside}//./key").path == f"{inside}/key"


def test_r34_a_dangling_link_is_created_where_it_points(folder: Path) -> None:
    os.symlink(folder / "real.txt", folder / "cfg")
    create_document(str(folder / "cfg"), "x\n")
    assert os.readlink(folder / "cfg") == str(folder / "real.txt")
    assert (folder / "real.txt").read_bytes() == b"x\n"


def test_r34_case_is_spelled_as_the_disk_has_it_where_case_does_not_count() -> None:
    tree = {"/": ["Users"], "/Users": ["u"], "/Users/u": ["Work", "work"], "/Users/u/Work": ["Read.ME"]}
    names = lambda folder: tree.get(folder, [])  # noqa: E731
    assert spelled("/users/U/Work/read.me", names) == "/Users/u/Work/Read.ME"
    assert spelled("/users/u/work/NEW.txt", names) == "/Users/u/work/NEW.txt"


def test_p06_a_folder_swapped_for_a_link_after_its_place_was_looked_up_is_not_written_through(folder: Path) -> None:
    """The swap happens between resolving and opening: the walk meets the link and stops."""
    from claw_lsp.adapters.disk.writing import _folder
    from claw_lsp.facts.plan import PlannedPath

    (folder / "elsewhere").mkdir()
    (folder / "d").mkdir()
    place = PlannedPath(str(folder / "d" / "f"), str(folder / "d" / "f"))
    (folder / "d").rmdir()
    os.symlink(folder / "elsewhere", folder / "d")
    for create in (True, False):
        with pytest.raises(StaleDocument, match="no longer leads where it did"), _folder(place, create=create):
            pytest.fail("the folder was opened")
    assert os.listdir(folder / "elsewhere") == []


def test_files_of_the_kernel_are_not_created(folder: Path) -> None:
    with pytest.raises(ToolError, match="kernel makes up"):
        create_document("/proc/self/new", "x")


async def test_a_slow_disk_holds_nobody_up(folder: Path) -> None:
    """Everything the port does runs in threads: fifty reads are in flight at once."""
    paths = [put(folder / f"{n}.txt", b"%d" % n) for n in range(50)]
    workspace = DiskWorkspace()
    documents = await asyncio.gather(*(workspace.read(path) for path in paths))
    assert [document.text for document in documents] == [str(n) for n in range(50)]
    assert (workspace.open_documents(), workspace.unsaved(), workspace.can_save) == ((), (), True)
    assert await workspace.save(("x",)) == ()
