"""The setup form and its tests."""

import functools

import pytest
from componentize_py_types import Err

from sluice import ConfigurationForm, Connector, Test, form_field
from sluice import Operations as op

TextField, DropdownField, ToggleField = form_field.TextField, form_field.DropdownField, form_field.ToggleField
Param = form_field.DropdownFieldParam


def works(configuration):
    return Test.success()


def exports(host, form=None):
    connector = Connector(update=print, configuration_form=form)
    return host.exports(connector=connector)


def test_a_form_crosses(host):
    def form():
        return (
            ConfigurationForm()
            .add_field(TextField("host", "Host", description="Where", required=True, placeholder="h"))
            .add_field(TextField(name="key", label="Key", field_type=TextField.password))
            .add_field(DropdownField("mode", "Mode", fields=[Param(5), Param("b", "B", "the second")]))
            .add_field(ToggleField("deep", "Deep"))
            .add_test(label="Works", func=works)
        )

    found = exports(host, form).form()
    shown = [(f.name, type(f.kind).__name__, f.description, f.placeholder, f.required) for f in found.fields]
    assert shown == [
        ("host", "FieldKind_Text", "Where", "h", True),
        ("key", "FieldKind_Password", None, None, False),
        ("mode", "FieldKind_Dropdown", None, None, False),
        ("deep", "FieldKind_Toggle", None, None, False),
    ]
    choices = [(c.value, c.label, c.description) for c in found.fields[2].kind.value]
    assert choices == [("5", "5", ""), ("b", "B", "the second")]
    assert [(t.name, t.label) for t in found.tests] == [("works", "Works")]


def test_without_a_form_it_is_empty(host):
    found = exports(host).form()
    assert (found.fields, found.tests) == ([], [])


def test_the_form_is_made_once(host):
    made = []

    def form():
        made.append(1)
        return ConfigurationForm().add_test(label="Works", func=works)

    instance = exports(host, form)
    instance.form()
    instance.test("works", "{}")
    assert made == [1]


async def asynchronous(configuration):
    return Test.failure("a" + configuration["x"])


def nothing(configuration):
    return True


def raises(configuration):
    raise ConnectionError("refused")


def writes(configuration):
    op.upsert("t", {"id": 1})


def outcome(host, func, configuration='{"x": "y"}'):
    instance = exports(host, lambda: ConfigurationForm().add_test(label="L", func=func))
    return instance.test(func.__name__, configuration)


def test_outcomes(host):
    assert type(outcome(host, works)).__name__ == "TestOutcome_Success"
    assert outcome(host, asynchronous).value == "ay"
    assert "must return Test.success()" in outcome(host, nothing).value


@pytest.mark.parametrize(("func", "kind"), [(raises, "ConnectionError"), (writes, "InvalidOperation")])
def test_a_test_that_raises_is_a_failure(host, func, kind):
    with pytest.raises(Err) as caught:
        outcome(host, func)
    assert caught.value.value.kind == kind


@pytest.mark.parametrize("form", [lambda: None, lambda: 1 / 0])
def test_a_form_that_is_none_is_a_failure(host, form):
    with pytest.raises(Err):
        exports(host, form).form()


def test_an_unknown_test_is_a_failure(host):
    with pytest.raises(Err) as caught:
        exports(host).test("nope", "{}")
    assert "nope" in caught.value.value.message


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"label": "", "func": works}, ValueError),
        ({"label": "x", "func": lambda c: None}, ValueError),
        ({"label": "x", "func": 5}, TypeError),
        ({"label": 5, "func": works}, TypeError),
        ({"label": "x", "func": functools.partial(works)}, AttributeError),
    ],
)
def test_tests_are_checked(arguments, error):
    with pytest.raises(error):
        ConfigurationForm().add_test(**arguments)


def test_names_are_taken_once():
    form = ConfigurationForm().add_test(label="a", func=works).add_field(TextField("a", "A"))
    with pytest.raises(ValueError, match="works"):
        form.add_test(label="b", func=works)
    with pytest.raises(ValueError, match="already has a field named a"):
        form.add_field(ToggleField("a", "A"))


def test_only_fields_are_added():
    with pytest.raises(TypeError):
        ConfigurationForm().add_field("host")
    with pytest.raises(TypeError):
        ConfigurationForm().add_test("label", works)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: TextField(5, "x"), TypeError),
        (lambda: TextField("x", 5), TypeError),
        (lambda: TextField(" ", "x"), ValueError),
        (lambda: TextField("x", "X", 2), ValueError),
        (lambda: TextField("x", "X" * 5000), ValueError),
        (lambda: TextField("x", "\ud800"), ValueError),
        (lambda: DropdownField("x", "X", fields=[]), ValueError),
        (lambda: DropdownField("x", "X"), TypeError),
        (lambda: ToggleField("x", "X", placeholder="no"), TypeError),
        (lambda: Test.failure(5), TypeError),
    ],
)
def test_fields_are_checked(make, error):
    with pytest.raises(error):
        make()


def test_param_is_a_dataclass():
    assert Param(value="a") == Param("a", None, None)
