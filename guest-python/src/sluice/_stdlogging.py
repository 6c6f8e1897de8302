"""Lets what Python's `logging` writes to standard output and error keep its level in the sync's log."""

from __future__ import annotations

import logging
import sys
from typing import Any

from sluice._logging import Logging

_LEVELS = (
    (logging.CRITICAL, Logging.critical),
    (logging.ERROR, Logging.error),
    (logging.WARNING, Logging.warning),
    (logging.INFO, Logging.info),
)


def install() -> None:
    """Send records for the standard streams to the log, formatted as their handler says."""
    plain = logging.StreamHandler.emit

    def emit(self: logging.StreamHandler[Any], record: logging.LogRecord) -> None:
        if self.stream not in (sys.stderr, sys.stdout):
            plain(self, record)
            return
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        for least, write in _LEVELS:
            if record.levelno >= least:
                write(text)
                return
        Logging.debug(text)

    logging.StreamHandler.emit = emit  # type: ignore[method-assign, assignment]
