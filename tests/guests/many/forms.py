"""A setup form, and tests of it that behave as the configuration says."""

import io

import requests
from fivetran_connector_sdk import ConfigurationForm, FileUpload, Test, form_field
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def arrives(configuration):
    log.info(f"testing with {configuration['password']}")
    return Test.success() if configuration["region"] == "eu" else Test.failure("only eu works, \x1b[2Jreally")


def reaches(configuration):
    answer = requests.get(configuration["server"] + "/get", timeout=5)
    return Test.success() if answer.ok else Test.failure(f"status {answer.status_code}")


def misbehaves(configuration):
    mode = configuration["mode"]
    if mode == "loop":
        while True:
            pass
    if mode == "write":
        op.upsert("t", {"id": 1})
    if mode == "file":
        op.upsert("t", {"id": 1}, file=FileUpload("x", io.BytesIO()))
    if mode == "raise":
        raise ConnectionError(f"no luck with {configuration['password']}")
    if mode == "exit":
        raise SystemExit(0)
    return Test.success()


def configuration_form():
    choices = [form_field.DropdownFieldParam("eu", "Europe"), form_field.DropdownFieldParam("us", "America")]
    form = (
        ConfigurationForm()
        .add_field(form_field.TextField("mode", "Mode", description="What the tests do", required=True))
        .add_field(form_field.TextField("password", "Password", form_field.TextField.password))
        .add_field(form_field.DropdownField("region", "Region", fields=choices, required=True))
        .add_field(form_field.ToggleField("deep", "Deep"))
        .add_field(form_field.TextField("server", "Server", placeholder="none"))
        .add_field(form_field.TextField("phrase", "Phrase", form_field.TextField.password))
    )
    form.add_test(label="Arrives", func=arrives)
    form.add_test(label="Reaches the server", func=reaches)
    return form.add_test(label="Behaves", func=misbehaves)
