"""The public names, and their signatures: what existing connectors and their tests rely on."""

import inspect
import sys

import fivetran_connector_sdk as sdk
import pytest
from fivetran_connector_sdk.form_field import TextField

import sluice
from sluice import Connector
from sluice import Logging as log

NAMES = "ByteStream ConfigurationForm FileUpload Logging Operations Test form_field"

# Parameters in order; those after * are passed by name only. Not here: what a caller never passes.
SIGNATURES = {
    "Connector": "update, schema=None, configuration_form=None",
    "Connector.debug": "project_path=None, configuration=None, state=None, naming=None, log_level=DEBUG",
    "Connector.run": "port=50049, configuration=None, state=None, log_level=INFO",
    "Connector.deploy": "project_path, deploy_key, group, connection, hd_agent_id, configuration=None, "
    "config_path=None, python_version=None, prompt_mode=INTERACTIVE, naming=None, proxy_id=None, "
    "proxy_host_config_key=None, target_package_id=None",
    "Connector.generate_configuration": "project_path, run_tests=False, disable_encryption=False",
    "Connector.ConfigurationForm": "request, context",
    "Connector.Test": "request, context",
    "Connector.Schema": "request, context",
    "Connector.Update": "request, context",
    "Operations.upsert": "table, data, *, schema=None, file=None",
    "Operations.update": "table, modified, *, schema=None, file=None",
    "Operations.delete": "table, keys, *, schema=None",
    "Operations.truncate": "table, *, schema=None",
    "Operations.checkpoint": "state",
    "Operations.error": "message, trace=None",
    "Operations.warning": "message",
    "Logging.debug": "message",
    "Logging.fine": "message",
    "Logging.info": "message",
    "Logging.warning": "message",
    "Logging.error": "message, exception=None",
    "Logging.severe": "message, exception=None",
    "Logging.critical": "message, exception=None",
    "ConfigurationForm": "",
    "ConfigurationForm.add_field": "field",
    "ConfigurationForm.add_test": "*, label, func",
    "Test.success": "",
    "Test.failure": "message",
    "form_field.TextField": "name, label, field_type=0, *, description=None, required=False, "
    "placeholder=None",
    "form_field.DropdownField": "name, label, *, fields, description=None, required=False, placeholder=None",
    "form_field.DropdownFieldParam": "value, label=None, description=None",
    "form_field.ToggleField": "name, label, *, description=None, required=False",
    "FileUpload": "path, stream, expected_bytes=None",
    "ByteStream.read": "size=-1",
    "main": "",
    "DeployOptions": "configuration=None, config_path=None, python_version=None, prompt_mode=INTERACTIVE, "
    "naming=None, proxy_id=None, proxy_host_config_key=None, target_package_id=None",
}


def shown(function):
    """The parameters of a function or class, without `self`, as the table writes them."""
    words = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        default = parameter.default
        default = getattr(default, "name", default)
        words.append(name if default is parameter.empty else f"{name}={default}")
    return ", ".join(words)


def find(name):
    found = sdk
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    assert shown(find(name)) == SIGNATURES[name]


def test_public_names():
    assert " ".join(sorted(sdk.__all__)) == NAMES
    namespace = {}
    exec("from fivetran_connector_sdk import *", namespace)
    assert "Connector" not in namespace
    for name in [*sdk.__all__, "Connector"]:
        if name != "form_field":
            assert getattr(sdk, name) is getattr(sluice, name)
    assert sdk.form_field.TextField is TextField is sluice.form_field.TextField
    assert (TextField.plain_text, TextField.password) == (0, 1)
    assert isinstance(sys.stdin.buffer, sdk.ByteStream)
    assert not isinstance(b"", sdk.ByteStream)


def test_levels_and_modes():
    assert " ".join(level.name for level in log.Level) == "DEBUG FINE INFO WARNING ERROR SEVERE CRITICAL"
    assert log.LOG_LEVEL is None
    assert {mode.name: mode.value for mode in sdk.PromptMode} == {
        "INTERACTIVE": None,
        "DEFAULT_ANSWER": "--non-interactive",
        "YES": "--yes",
        "FORCE": "--force",
    }


def test_what_makes_no_sense_here_says_what_does():
    connector = Connector(update=print)
    for name in ("ConfigurationForm", "Test", "Schema", "Update"):
        with pytest.raises(NotImplementedError, match="gRPC"):
            getattr(connector, name)(None, None)
    with pytest.raises(NotImplementedError, match="sluice build"):
        connector.deploy("p", "k", "g", "c", "h")
    with pytest.raises(SystemExit, match="sluice run"):
        sdk.main()


def test_the_form_is_asked_for_elsewhere(host):
    assert Connector(update=print).generate_configuration(".") is None
    assert "sluice configure" in host.log[0][1]


def test_pytest_takes_no_import_for_a_test():
    assert sdk.Test.__test__ is False
