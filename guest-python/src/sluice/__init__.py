"""Write data connectors that Sluice runs in a sandbox.

A project's connector.py defines `connector = Connector(update=update, schema=schema)`; see
`Connector` and `Operations`. `sluice run <project>` runs it.
"""

from sluice._connector import Connector
from sluice._errors import InvalidOperation, LimitReached, SluiceError, SyncEnded
from sluice._logging import Logging
from sluice._operations import Operations

__all__ = [
    "Connector",
    "InvalidOperation",
    "LimitReached",
    "Logging",
    "Operations",
    "SluiceError",
    "SyncEnded",
]
