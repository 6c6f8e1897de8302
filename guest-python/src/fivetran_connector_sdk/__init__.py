"""The names that existing connectors import, provided by Sluice."""

from sluice._connector import Connector as Connector
from sluice._logging import Logging
from sluice._operations import Operations

# without Connector, like the package whose connectors run here unchanged
__all__ = ["Logging", "Operations"]
