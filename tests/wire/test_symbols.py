"""Symbols by name, from source as it stands: every family of languages, buffers over files, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from claw_lsp.adapters.ripgrep import Ripgrep, ripgrep_program
from claw_lsp.core.definitions import FAMILIES, definitions, likeness, search_pattern
from claw_lsp.facts.fault import ProcessError
from claw_lsp.facts.search import Query
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.symbols import WrittenSymbols
from claw_lsp.lsp.uris import uri_of
from claw_lsp.ports.files import Search

PROGRAM = ripgrep_program()

SAMPLES = {
    "a.py": {"class Basket(Base):": "class", "    async def basket_total(self):": "function", "BASKET = 3": "constant"},
    "a.ts": {
        "export default class Basket<T> {": "class",
        "export interface BasketLike {": "interface",
        "export const makeBasket = async (x: number) => {": "function",
        "  async basketOf(x) {": "method",
        "export const enum Baskets {": "enum",
    },
    "a.rs": {
        "pub(crate) struct Basket {": "struct",
        "impl_fn!(); pub fn nothing() {}": "",
        "    pub async fn basket(&self) {": "function",
        "trait HasBasket: Sized {": "interface",
        "macro_rules! basket {": "function",
    },
    "a.go": {
        "type Basket struct {": "struct",
        "func (s *Store) Basket(ctx context.Context) error {": "method",
        "func NewBasket() *Basket {": "function",
    },
    "a.c": {
        "static inline struct item *basket_find(const char *name)": "function",
        "#define BASKET_MAX 3": "constant",
        "    basket_find(name);": "",
        "struct basket {": "struct",
    },
    "a.cpp": {
        "class Basket : public Base {": "class",
        "int Store::basket(int n) const {": "function",
        "class Basket;": "",
    },
    "A.java": {
        "public final class Basket implements Shop {": "class",
        "    public static Map<String, Integer> basket(int n) {": "method",
        "        return basket(n);": "",
    },
    "a.kt": {"    suspend fun Item.basket(n: Int): Int =": "function", "data class Basket(val n: Int)": "class"},
    "a.swift": {"    public func basket() -> Int {": "function", "protocol Basket {": "interface"},
    "a.rb": {"  def self.basket!(n)": "function", "class Shop::Basket < Base": "class"},
    "a.ex": {"  defp basket(n) do": "function", "defmodule Shop.Basket do": "module"},
    "a.php": {"    public static function basket(): int {": "function"},
    "a.lua": {"function M.basket(n)": "function", "M.basket = function(n)": "function"},
    "a.sh": {"basket() {": "function", "function basket {": "function", "  basket now": ""},
    "a.el": {"(cl-defun basket-find (name)": "function", "(defvar basket nil)": "constant"},
    "a.hs": {"data Basket = Basket Int": "class", "basket :: Int -> Int": "function"},
    "a.pl": {"sub basket {": "function"},
    "a.zig": {"pub fn basket(n: u8) void {": "function", "pub const Basket = struct {": "struct"},
    "a.sql": {"CREATE TABLE IF NOT EXISTS shop.basket (": "struct"},
    "a.proto": {"message Basket {": "struct", "  rpc GetBasket(Id) returns (Basket);": "function"},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_definition_is_told_from_its_line(name: str) -> None:
    for line, kind in SAMPLES[name].items():
        found = list(definitions(f"/ws/{name}", [(7, line)], "basket"))
        assert [it.kind for it in found] == ([kind] if kind else []), line
        for it in found:
            assert "basket" in it.name.lower()
            assert it.name in line
            assert (it.path, it.line) == (f"/ws/{name}", 7)


def test_every_family_has_an_example_and_no_ending_belongs_to_two() -> None:
    endings = [it for family in FAMILIES for it in sorted(family.endings)]
    assert len(endings) == len(set(endings))
    shown = {Path(it).suffix[1:] for it in SAMPLES}
    assert [it.endings for it in FAMILIES if it.endings.isdisjoint(shown)] == [
        frozenset({"fish", "jl"}),
        frozenset({"r"}),
    ]


async def test_ripgrep_finds_every_line_that_is_then_told_to_define_something(tmp_path: Path) -> None:
    for name, lines in SAMPLES.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    found = await Ripgrep(PROGRAM).matches(Query(search_pattern("basket")), str(tmp_path))
    shown = {(Path(it.path).name, line.text) for it in found.files for line in it.lines}
    assert shown >= {(name, line) for name, lines in SAMPLES.items() for line, kind in lines.items() if kind}


@pytest.mark.parametrize("query", ["a.b", "(", "x|y", "[", "\\", "ünï", "$el", "nope?"])
async def test_whatever_is_asked_for_is_taken_as_it_stands(tmp_path: Path, query: str) -> None:
    (tmp_path / "a.py").write_text("def ünïcode(): ...\n")
    symbols = WrittenSymbols(lambda: Ripgrep(PROGRAM), Buffers())
    found = await symbols.find(query, (str(tmp_path),))
    assert [it.name for it in found] == (["ünïcode"] if query == "ünï" else [])


async def test_buffers_count_before_their_files_and_the_best_fit_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def total_of(): ...\ndef total(): ...\n")
    (tmp_path / "b.py").write_text("def subtotal(): ...\n")
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "ignored.py").write_text("def total_ignored(): ...\n")
    (tmp_path / "secrets.json").write_text("{}\n")
    buffers = Buffers()
    buffers.open(uri_of(str(tmp_path / "b.py")), "python", 1, "# new\r\n\x0c\r\ndef total_unsaved(): ...\r\n")
    buffers.open(uri_of("/elsewhere/c.py"), "python", 1, "def total_elsewhere(): ...\n")
    symbols = WrittenSymbols(lambda: Ripgrep(PROGRAM), buffers)
    found = await symbols.find("total", (str(tmp_path),))
    assert [(it.name, Path(it.path).name, it.line) for it in found] == [
        ("total", "a.py", 2),
        ("total_of", "a.py", 1),
        ("total_unsaved", "b.py", 3),
    ]
    assert list(found) == sorted(found, key=lambda it: likeness(it, "total"))
    assert await symbols.find("  ", (str(tmp_path),)) == ()


async def test_without_ripgrep_the_open_buffers_are_still_known(tmp_path: Path) -> None:
    def missing() -> Search:
        raise ProcessError("ripgrep is not installed")

    buffers = Buffers()
    buffers.open(uri_of(str(tmp_path / "a.py")), "python", 1, "class Basket: ...\n")
    (found,) = await WrittenSymbols(missing, buffers).find("bask", (str(tmp_path),))
    assert (found.name, found.kind, found.line) == ("Basket", "class", 1)
