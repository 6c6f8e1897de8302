"""The names that existing connectors import, provided by Sluice."""

from fivetran_connector_sdk import form_field

from sluice._connector import Connector as Connector
from sluice._elsewhere import DeployOptions as DeployOptions
from sluice._elsewhere import PromptMode as PromptMode
from sluice._elsewhere import main as main
from sluice._files import ByteStream, FileUpload
from sluice._form import ConfigurationForm, Test
from sluice._logging import Logging
from sluice._operations import Operations

# without Connector, like the package whose connectors run here unchanged
__all__ = ["ByteStream", "ConfigurationForm", "FileUpload", "Logging", "Operations", "Test", "form_field"]
