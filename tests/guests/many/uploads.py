"""Files that land beside the tables."""

import io

from fivetran_connector_sdk import FileUpload
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


class Pattern:
    """``size`` bytes that can be checked, made while they are read."""

    def __init__(self, size):
        self.left = size

    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return (bytes(range(256)) * (size // 256 + 1))[:size]


def files(configuration, state):
    op.upsert("documents", {"id": 1}, file=FileUpload("reports/2024/summary.txt", io.BytesIO(b"whole")))
    op.upsert("documents", {"id": 2}, file=FileUpload("empty", io.BytesIO()))
    size = int(configuration.get("size", "5000000"))
    op.upsert("documents", {"id": 3}, file=FileUpload("large.bin", Pattern(size), expected_bytes=size))
    op.checkpoint({"files": 3})


def replaced(configuration, state):
    op.upsert("documents", {"id": 1}, file=FileUpload("a", io.BytesIO(b"first")))
    op.checkpoint({})
    op.update("documents", {"id": 1, "note": "new"}, file=FileUpload("a", io.BytesIO(b"second")))
    if configuration.get("fail"):
        raise ValueError("no")


def refused(configuration, state):
    for path in ("../a", "/etc/passwd", "a/../b", "a\nb", "x" * 300, "c\\d"):
        try:
            op.upsert("documents", {"id": 1}, file=FileUpload(path, io.BytesIO(b"x")))
        except ValueError as error:
            log.info(f"refused: {error}")
    try:
        op.upsert("documents", {"id": 1}, file=FileUpload("short", io.BytesIO(b"x"), expected_bytes=2))
    except ValueError as error:
        log.info(f"refused: {error}")


def in_the_way(configuration, state):
    op.upsert("documents", {"id": 1}, file=FileUpload("a", io.BytesIO(b"x")))
    op.upsert("documents", {"id": 2}, file=FileUpload("a/b", io.BytesIO(b"x")))
    op.checkpoint({})


def resumable(configuration, state):
    """Files in folders, 20 a checkpoint, starting where the state says."""
    for number in range(state.get("next", 0), int(configuration["files"])):
        content = io.BytesIO(str(number).encode() * 1000)
        op.upsert("documents", {"id": number}, file=FileUpload(f"{number % 20}/{number}", content))
        if number % 20 == 19:
            op.checkpoint({"next": number + 1})


MODES = {
    "files": files,
    "files_resumable": resumable,
    "files_replaced": replaced,
    "files_refused": refused,
    "files_in_the_way": in_the_way,
}
DECLARATIONS = {mode: [{"table": "documents", "primary_key": ["id"]}] for mode in MODES}
