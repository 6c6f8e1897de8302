"""What componentize-py generates, in short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

E = TypeVar("E")


@dataclass(frozen=True)
class Err(Exception, Generic[E]):
    value: E
