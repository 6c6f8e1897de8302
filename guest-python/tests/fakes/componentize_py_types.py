"""Stand-in for what componentize-py generates."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Err(Exception):
    value: Any
