"""The source."""

from .api import Api
from .tables import TABLES

__all__ = ["TABLES", "Api"]
