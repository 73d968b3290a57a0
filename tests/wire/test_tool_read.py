"""Read: text, images, PDF files, and all that is refused."""

import base64
import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from pydantic import ValidationError
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from claw_lsp.adapters.disk import DiskWorkspace
from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.plan import Reach
from claw_lsp.facts.text import Document, digest
from claw_lsp.testing.memory_workspace import Desk
from claw_lsp.tools.read import CHARACTERS, ReadInput, ReadTool, text_result

READ = ReadTool(DiskWorkspace())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path.resolve())


async def read(desk: Desk, name: str, data: bytes, **more: object) -> str:
    (desk.folder / name).write_bytes(data)
    return str((await desk.run(READ, file_path=name, **more)).content)


async def test_lines_have_numbers_and_the_whole_text_is_known_afterwards(desk: Desk) -> None:
    assert await read(desk, "a.py", b"one\r\n\n  three") == "1\tone\n2\t\n3\t  three"
    assert desk.seen == {f"{desk.folder}/a.py": digest("one\r\n\n  three")}
    plan = await desk.plan(READ, file_path="a.py")
    assert (plan.reach, plan.title, plan.paths[0].path) == (Reach.READ, "Read a.py", f"{desk.folder}/a.py")


async def test_offset_and_limit_choose_lines_and_say_what_is_left(desk: Desk) -> None:
    text = "".join(f"line {n}\n" for n in range(1, 11)).encode()
    assert await read(desk, "a", text, offset=4, limit=2) == (
        "4\tline 4\n5\tline 5\n[Lines 4 to 5 of 10. Next offset: 6]"
    )
    assert await read(desk, "a", text, offset=10) == "10\tline 10"
    assert (await read(desk, "a", text, offset=0)).startswith("1\tline 1\n")
    assert desk.seen == {f"{desk.folder}/a": digest(text.decode())}
    with pytest.raises(ToolError, match="has 10 lines; offset 11 is past its end"):
        await read(desk, "a", text, offset=11)


async def test_two_thousand_lines_are_shown_where_no_limit_is_given(desk: Desk) -> None:
    shown = await read(desk, "a", b"x\n" * 2500)
    assert shown.splitlines()[-2:] == ["2000\tx", "[Lines 1 to 2000 of 2500. Next offset: 2001]"]


async def test_a_result_has_a_size_and_says_where_to_go_on(desk: Desk) -> None:
    shown = await read(desk, "a", (b"y" * 999 + b"\n") * 500)
    assert len(shown) < CHARACTERS + 200
    assert shown.endswith("[Lines 1 to 79 of 500. Next offset: 80]")


async def test_an_empty_file_is_empty(desk: Desk) -> None:
    assert await read(desk, "a", b"") == "[The file is empty.]"


async def test_r32_a_long_line_is_cut_and_says_so(desk: Desk) -> None:
    shown = await read(desk, "a", b"z" * 3000 + b"\nnext")
    assert shown == f"1\t{'z' * 2000}… [line of 3000 characters cut]\n2\tnext"
    huge = await read(desk, "b", b"z" * (50 << 20) + b"\nnext")
    assert len(huge) < 2500
    assert "characters cut]\n2\tnext" in huge


async def test_r31_a_huge_file_is_shown_by_windows_with_a_notice(desk: Desk) -> None:
    shown = await read(desk, "a", b"some words here\n" * 1_400_000, offset=1_000_000, limit=2)
    assert shown == (
        "[This file is 21.4 MB; files over 10.0 MB can be read by windows (offset and limit) but not edited.]\n"
        "1000000\tsome words here\n1000001\tsome words here\n"
        "[Lines 1000000 to 1000001; the file goes on. Next offset: 1000002]"
    )
    assert desk.seen == {}
    with pytest.raises(ToolError, match="fewer than 2000000 lines"):
        await desk.run(READ, file_path="a", offset=2_000_000)


async def test_r30_a_binary_file_is_told_by_size_and_type(desk: Desk) -> None:
    with pytest.raises(ToolError, match="is binary: SQLite database, 2 KB"):
        await read(desk, "a.db", b"SQLite format 3\0" * 128)


async def test_r27_r38_what_cannot_be_read_is_told_apart(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe")
    with pytest.raises(ToolError, match="a named pipe"):
        await desk.run(READ, file_path="pipe")
    with pytest.raises(ToolError, match=r"is a directory\. Use Glob"):
        await desk.run(READ, file_path=".")
    with pytest.raises(NoSuchFile, match=f"does not exist.* The working directory is {desk.folder}"):
        await desk.run(READ, file_path="gone.py")
    with pytest.raises(ToolError, match="The path is empty"):
        await desk.run(READ, file_path="  ")
    with pytest.raises(ValidationError, match="limit"):
        await desk.plan(READ, file_path="a", limit=0)


async def test_p06_a_link_moved_after_approval_is_not_followed(desk: Desk) -> None:
    (desk.folder / "a").write_text("a")
    (desk.folder / "b").write_text("b")
    os.symlink("a", desk.folder / "link")
    plan = await desk.plan(READ, file_path="link")
    (desk.folder / "link").unlink()
    os.symlink("b", desk.folder / "link")
    with pytest.raises(StaleDocument, match="Nothing was done"):
        await desk.perform(READ, plan)


async def test_home_is_the_persons(desk: Desk) -> None:
    plan = await Desk(desk.folder, home="/home/u").plan(READ, file_path="~/.bashrc")
    assert (plan.title, plan.paths[0].path) == ("Read /home/u/.bashrc", "/home/u/.bashrc")


def png(width: int, height: int) -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0\0")) + part(b"IEND", b"")


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\x00\x11\x08\x00\x05\x00\x07\x03" + b"\0" * 9
GIF = b"GIF89a\x07\x00\x05\x00" + b"\0" * 10
WEBP_X = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x06\0\0\x04\0\0"
WEBP_L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + (6 | 4 << 14).to_bytes(4, "little")
WEBP = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x07\0\x05\0"


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.png", png(7, 5), "image/png"),
        ("a.PNG", JPEG, "image/jpeg"),
        ("a.gif", GIF, "image/gif"),
        ("a.webp", WEBP_X, "image/webp"),
        ("a.webp", WEBP_L, "image/webp"),
        ("a.jpg", WEBP, "image/webp"),
    ],
)
async def test_an_image_is_a_block_with_the_type_its_bytes_have(
    desk: Desk, name: str, data: bytes, media_type: str
) -> None:
    (desk.folder / name).write_bytes(data)
    result = await desk.run(READ, file_path=name)
    words, image = result.content
    assert "7 × 5 pixels" in words["text"]
    assert image["source"] == {
        "type": "base64",
        "media_type": media_type,
        "data": base64.b64encode(data).decode(),
    }
    assert result.seen == {}


async def test_what_the_provider_would_refuse_as_an_image_is_refused_here(desk: Desk) -> None:
    for data, message in {
        b"no image": "its bytes are no PNG, JPEG, GIF or WebP",
        png(8001, 1): "8001 × 1 pixels; at most 8000",
        png(7, 5)[:18]: "damaged image/png",
        JPEG[:12]: "damaged image/jpeg",
        b"\x89PNG\r\n\x1a\n" + b"\0" * (5 << 20): r"at most 5\.0 MB",
    }.items():
        with pytest.raises(ToolError, match=message):
            await read(desk, "a.png", data)


def pdf(*texts: str) -> bytes:
    writer = PdfWriter()
    for text in texts:
        page = writer.add_blank_page(200, 200)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        if text:
            stream = DecodedStreamObject()
            stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
            page[NameObject("/Contents")] = writer._add_object(stream)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


async def test_a_pdf_is_read_as_the_text_of_its_pages(desk: Desk) -> None:
    data = pdf("first page", "", *(f"page {n}" for n in range(3, 26)))
    shown = await read(desk, "a.pdf", data)
    assert shown.startswith(
        f"{desk.folder}/a.pdf: PDF, 25 pages\n--- page 1 ---\nfirst page\n"
        "--- page 2 ---\n[no text on this page: it may be a scan or a drawing]\n--- page 3 ---\npage 3\n"
    )
    assert shown.endswith('[Pages 1 to 10 of 25. Next: pages "11-20"]')
    assert (await read(desk, "a.pdf", data, pages="24-30")).splitlines()[1:] == [
        "--- page 24 ---",
        "page 24",
        "--- page 25 ---",
        "page 25",
    ]
    assert (await read(desk, "a.pdf", data, pages="7")).splitlines()[1:] == ["--- page 7 ---", "page 7"]
    assert (await read(desk, "a.pdf", data, pages="25-")).endswith("page 25")
    for pages, message in {
        "one": "should be like",
        "5-2": "count up from 1",
        "0": "count up from 1",
        "26": "page 26 is past its end",
        "1-21": "At most 20 pages",
    }.items():
        with pytest.raises(ToolError, match=message):
            await read(desk, "a.pdf", data, pages=pages)


async def test_what_is_no_readable_pdf_says_why(desk: Desk) -> None:
    with pytest.raises(ToolError, match="its bytes are none"):
        await read(desk, "a.pdf", b"hello")
    with pytest.raises(ToolError, match="damaged PDF"):
        await read(desk, "a.pdf", b"%PDF-1.4\nnothing more")
    with pytest.raises(ToolError, match="pages is for PDF files"):
        await read(desk, "a.txt", b"hello", pages="1")


async def test_r15_a_buffer_that_may_lag_behind_is_read_with_a_notice(tmp_path: Path) -> None:
    document = Document(str(tmp_path / "a.txt"), "one\n", version=3, notice="This text may lag behind.")
    result = text_result(document.path, document, ReadInput(file_path=document.path))
    assert str(result.content).startswith("[This text may lag behind.]\n")
