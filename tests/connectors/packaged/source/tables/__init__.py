"""The tables, in the order of their syncs."""

from .people import People
from .teams import Teams

TABLES = [Teams(), People()]
