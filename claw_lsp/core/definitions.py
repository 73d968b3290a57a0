"""Where names are defined, told from single lines of source: a small table of patterns for each family of languages.

It reads no grammar: what begins like a definition is taken for one, in comments and strings too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from claw_lsp.ports.languages import Symbol

LONGEST_LINE = 400
"""Characters of a line that are looked at; what is longer was not written by a person."""


@dataclass(frozen=True, slots=True)
class Family:
    """Languages whose definitions look alike: `endings` of their files, and patterns by kind, with NAME for the name."""

    endings: frozenset[str]
    patterns: tuple[tuple[str, str], ...]


def search_pattern(query: str) -> str:
    """One pattern, for ripgrep, of every line that may define a name which contains the query."""
    name = _name(query)
    lines = dict.fromkeys(pattern for family in FAMILIES for _, pattern in family.patterns)
    return "|".join(f"(?:{it.replace('NAME', name)})" for it in lines)


def definitions(path: str, lines: Iterable[tuple[int, str]], query: str) -> Iterator[Symbol]:
    """What numbered lines of a file define under a name that contains the query, in any case."""
    family = _BY_ENDING.get(path.rpartition("/")[2].rpartition(".")[2].lower())
    if family is None:
        return
    patterns, wanted = _compiled(family, query), query.casefold()
    for number, line in lines:
        if wanted not in line.casefold():
            continue
        found = next((it for kind, one in patterns if (it := (kind, one.match(line[:LONGEST_LINE])))[1]), None)
        if found and found[1]:
            yield Symbol(found[1]["name"], found[0], path, number)


def likeness(symbol: Symbol, query: str) -> tuple[int, int, str, str, int]:
    """What sorts symbols with the best fit first: the very name, then its beginning, then the shorter names."""
    name, wanted = symbol.name.casefold(), query.casefold()
    fit = 0 if symbol.name == query else 1 if name == wanted else 2 if name.startswith(wanted) else 3
    return (fit, len(name), name, symbol.path, symbol.line)


@lru_cache(maxsize=64)
def _compiled(family: Family, query: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    name = f"(?P<name>{_name(query)})"
    return tuple((kind, re.compile(pattern.replace("NAME", name))) for kind, pattern in family.patterns)


def _name(query: str) -> str:
    return rf"[\w$]*(?i:{re.escape(query)})[\w$]*[?!]?"


def _family(endings: str, **patterns: str) -> Family:
    return Family(frozenset(endings.split()), tuple((kind.rstrip("_"), it) for kind, it in patterns.items()))


_PUBLIC = r"(?:(?:public|private|protected|internal|static|final|abstract|sealed|override|open|async|virtual|inline|data|partial|suspend|unsafe|readonly|export|default|declare|synchronized|extern|pub(?:\([\w: ]+\))?|const)\s+)*"  # noqa: E501

FAMILIES = (
    _family(
        "py pyi pyx",
        class_=r"^\s*class\s+NAME\b",
        function=r"^\s*(?:async\s+)?c?p?def\s+NAME\b",
        constant=r"^NAME\s*(?::[^=]+)?=[^=]",
    ),
    _family(
        "js jsx mjs cjs ts tsx mts cts vue svelte",
        class_=rf"^\s*{_PUBLIC}class\s+NAME\b",
        interface=rf"^\s*{_PUBLIC}(?:interface|type)\s+NAME\b",
        enum=rf"^\s*{_PUBLIC}enum\s+NAME\b",
        module=rf"^\s*{_PUBLIC}(?:namespace|module)\s+NAME\b",
        function=rf"^\s*{_PUBLIC}function\s*\*?\s*NAME\b",
        function_=r"^\s*(?:export\s+)?(?:const|let|var)\s+NAME\s*(?::[^=]+)?=\s*(?:async\s*)?(?:\(|function\b|[\w$]+\s*=>)",
        constant=r"^(?:export\s+)?(?:const|let|var)\s+NAME\b",
        method=rf"^\s+{_PUBLIC}(?:get\s+|set\s+|\*\s*)?NAME\s*\([^;]*\{{\s*$",
    ),
    _family(
        "rs",
        struct=rf"^\s*{_PUBLIC}(?:struct|union)\s+NAME\b",
        enum=rf"^\s*{_PUBLIC}enum\s+NAME\b",
        interface=rf"^\s*{_PUBLIC}trait\s+NAME\b",
        class_=rf"^\s*{_PUBLIC}type\s+NAME\b",
        module=rf"^\s*{_PUBLIC}mod\s+NAME\b",
        function=rf"^\s*{_PUBLIC}(?:extern\s+\S+\s+)?fn\s+NAME\b",
        function_=r"^\s*macro_rules!\s+NAME\b",
        constant=rf"^\s*{_PUBLIC}(?:static\s+)?(?:mut\s+)?NAME\s*:",
    ),
    _family(
        "go",
        struct=r"^\s*(?:type\s+)?NAME\s+struct\b",
        interface=r"^\s*(?:type\s+)?NAME\s+interface\b",
        class_=r"^type\s+NAME\b",
        method=r"^func\s+\([^)]*\)\s*NAME\b",
        function=r"^func\s+NAME\b",
        constant=r"^(?:const|var)\s+NAME\b",
    ),
    _family(
        "c h cc cpp cxx hh hpp hxx cu m mm ino",
        struct=r"^\s*(?:typedef\s+)?(?:struct|union)\s+NAME\b[^;(]*$",
        class_=r"^\s*(?:(?:template\s*<.*>\s*)?class|@interface)\s+NAME\b[^;]*$",
        enum=r"^\s*(?:typedef\s+)?enum\s+(?:class\s+)?NAME\b",
        module=r"^\s*namespace\s+NAME\b",
        constant=r"^\s*#\s*define\s+NAME\b",
        class__=r"^\s*using\s+NAME\s*=",
        function=r"^(?:[A-Za-z_][\w:<>,*&\s]*[\s*&])?(?:\w+::)*NAME\s*\([^;]*$",
    ),
    _family(
        "java kt kts cs scala swift groovy dart fs",
        class_=rf"^\s*{_PUBLIC}(?:class|record|object|actor)\s+NAME\b",
        interface=rf"^\s*{_PUBLIC}(?:@?interface|trait|protocol|typealias)\s+NAME\b",
        enum=rf"^\s*{_PUBLIC}(?:enum(?:\s+class)?)\s+NAME\b",
        struct=rf"^\s*{_PUBLIC}(?:struct|extension)\s+NAME\b",
        function=rf"^\s*{_PUBLIC}(?:func|fun|def)\s+(?:<[^>]*>\s*)?(?:\w+\.)?NAME\b",
        constant=rf"^\s*{_PUBLIC}(?:val|let)\s+NAME\b",
        method=rf"^\s+{_PUBLIC}[\w<>\[\],.? ]+\s+NAME\s*\([^;=]*\{{?\s*$",
    ),
    _family(
        "rb rake ex exs cr",
        class_=r"^\s*(?:class|defprotocol)\s+(?:\w+::)*NAME",
        module=r"^\s*(?:module|defmodule)\s+(?:\w+(?:::|\.))*NAME",
        function=r"^\s*(?:def|defp|defmacro|defmacrop)\s+(?:self\.)?NAME",
        constant=r"^\s*NAME\s*=[^=~>]",
    ),
    _family(
        "php",
        class_=rf"^\s*{_PUBLIC}(?:class|trait)\s+NAME\b",
        interface=r"^\s*interface\s+NAME\b",
        enum=r"^\s*enum\s+NAME\b",
        function=rf"^\s*{_PUBLIC}function\s+&?NAME\b",
        constant=rf"^\s*{_PUBLIC}const\s+NAME\b",
    ),
    _family(
        "lua",
        function=r"^\s*(?:local\s+)?function\s+(?:[\w]+[.:])*NAME\b",
        function_=r"^\s*(?:local\s+)?(?:\w+\.)*NAME\s*=\s*function\b",
    ),
    _family("sh bash zsh ksh", function=r"^\s*function\s+NAME\b", function_=r"^\s*NAME\s*\(\)"),
    _family(
        "fish jl",
        function=r"^\s*function\s+NAME",
        struct=r"^\s*(?:mutable\s+)?struct\s+NAME\b",
        module=r"^\s*module\s+NAME\b",
    ),
    _family(
        "el lisp lsp cl scm ss rkt clj cljs cljc",
        function=r"^\s*\((?:cl-)?(?:defun|defmacro|defmethod|defgeneric|defsubst|defn-?|define)\s+\(?NAME",
        constant=r"^\s*\((?:defvar|defconst|defcustom|defparameter|def)\s+NAME",
        struct=r"^\s*\((?:cl-)?(?:defstruct|deftype|defrecord|defclass|defprotocol)\s+\(?NAME",
    ),
    _family(
        "hs ml mli elm",
        class_=r"^\s*(?:data|newtype|class|type)\s+(?:rec\s+)?(?:\w+\s+=>\s+)?NAME\b",
        module=r"^module\s+(?:\w+\.)*NAME\b",
        function=r"^\s*let\s+(?:rec\s+)?NAME\b",
        function_=r"^NAME\s*::?\s",
    ),
    _family("pl pm", function=r"^\s*sub\s+NAME\b", module=r"^\s*package\s+(?:\w+::)*NAME\b"),
    _family("r", function=r"^\s*NAME\s*(?:<-|=)\s*function\b"),
    _family(
        "zig",
        function=rf"^\s*{_PUBLIC}fn\s+NAME\b",
        struct=rf"^\s*{_PUBLIC}(?:var\s+)?NAME\s*=\s*(?:packed\s+|extern\s+)?(?:struct|union|enum)\b",
    ),
    _family(
        "sql",
        struct=r"^\s*(?i:create\s+(?:or\s+replace\s+)?(?:table|view|type)\s+(?:if\s+not\s+exists\s+)?)(?:\w+\.)?NAME",
        function=r"^\s*(?i:create\s+(?:or\s+replace\s+)?(?:function|procedure|trigger)\s+)(?:\w+\.)?NAME",
    ),
    _family(
        "proto thrift graphql gql",
        struct=r"^\s*(?:message|struct|type|input)\s+NAME\b",
        interface=r"^\s*(?:service|interface)\s+NAME\b",
        enum=r"^\s*enum\s+NAME\b",
        function=r"^\s*rpc\s+NAME\b",
    ),
)

_BY_ENDING = {ending: family for family in FAMILIES for ending in family.endings}
