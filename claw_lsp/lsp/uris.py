"""URIs and paths: only `file:` becomes a path; every other URI stands for itself and is never taken for a file."""

from __future__ import annotations

import os
import posixpath
import re
from urllib.parse import quote, unquote

ON_WINDOWS = os.name == "nt"


def path_of(uri: str, *, windows: bool = ON_WINDOWS) -> str:
    """The normalised absolute path of a file URI, percent signs decoded first; any other URI as it is.

    A file URI that names a host, or holds a NUL, leads to no file here and stays a URI too.
    """
    match = _FILE_URI.fullmatch(uri)
    if match is None:
        return uri
    host, path = match["host"] or "", unquote(match["path"], errors="surrogateescape")
    if "\0" in path:
        return uri
    if windows:
        return _windows_path(host, path)
    if host.lower() not in ("", "localhost"):
        return uri
    # Two leading slashes mean something to POSIX and nothing to editors.
    return posixpath.normpath("/" + path.lstrip("/"))


def uri_of(path: str, *, windows: bool = ON_WINDOWS) -> str:
    """The file URI of an absolute path; a URI that stands for itself as it is."""
    if not filelike(path):
        return path
    if not windows:
        return "file://" + quote(path, safe=_SAFE, errors="surrogateescape")
    path = path.replace("\\", "/")
    if path.startswith("//"):
        return "file:" + quote(path, safe=_SAFE, errors="surrogateescape")
    return f"file:///{path[0].lower()}%3A" + quote(path[2:], safe=_SAFE, errors="surrogateescape")


def filelike(path: str) -> bool:
    """Whether this is a path, and not a URI that stands for itself; a drive letter is no scheme."""
    return _SCHEME.match(path) is None


def _windows_path(host: str, path: str) -> str:
    if host:
        return f"\\\\{host}" + posixpath.normpath(path).replace("/", "\\")
    path = posixpath.normpath("/" + path.lstrip("/"))
    if _DRIVE.match(path):
        path = path[1].upper() + path[2:]
    return path.replace("/", "\\")


_FILE_URI = re.compile(r"file:(?://(?P<host>[^/?#]*))?(?P<path>/[^?#]*)(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"/[A-Za-z]:(/|$)")
_SAFE = "/~!$&'()*+,;=@"
