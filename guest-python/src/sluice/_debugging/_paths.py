"""Where a connector's files may land: as `host/src/policy/paths.rs`."""

from __future__ import annotations

from sluice._debugging._naming import is_control

PATH_BYTES = 1024
NAME_BYTES = 200
PATH_NAMES = 32

_TOO_LONG = (
    f"is too long; at most {PATH_BYTES} bytes, {PATH_NAMES} names and {NAME_BYTES} bytes a name are possible"
)


def refusal(path: str) -> str | None:
    """Why a path is not accepted; None when it is. The text holds no part of it."""
    names = path.split("/")
    if len(path.encode()) > PATH_BYTES or len(names) > PATH_NAMES:
        return _TOO_LONG
    drive = path[1:2] == ":" and path[0].isascii() and path[0].isalpha()
    if path.startswith("/") or drive:
        return "is absolute; write it relative to the folder of files"
    for name in names:
        if name in ("", ".", ".."):
            return "has an empty name, . or .. in it; write each name of the path"
        if len(name.encode()) > NAME_BYTES:
            return _TOO_LONG
        if name != name.strip() or any(c == "\\" or is_control(c) for c in name):
            return (
                "has a name with a control character or a backslash, or with a blank at its begin or end; "
                "use ordinary names"
            )
    return None
