"""Write data connectors that Sluice runs in a sandbox.

A project's connector.py defines `connector = Connector(update=update, schema=schema)`; see
`Connector` and `Operations`. `sluice run <project>` runs it.
"""

from sluice import form_field
from sluice._connector import Connector
from sluice._errors import InvalidOperation, LimitReached, SluiceError, SyncEnded
from sluice._files import ByteStream, FileUpload
from sluice._form import ConfigurationForm, Test
from sluice._logging import Logging
from sluice._operations import Operations

__all__ = [
    "ByteStream",
    "ConfigurationForm",
    "Connector",
    "FileUpload",
    "InvalidOperation",
    "LimitReached",
    "Logging",
    "Operations",
    "SluiceError",
    "SyncEnded",
    "Test",
    "form_field",
]
