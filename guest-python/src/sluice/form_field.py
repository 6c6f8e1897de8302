"""The fields of a `ConfigurationForm`: text, password, dropdown and toggle.

Each of these names makes a field when it is called; what it returns is given to
`ConfigurationForm.add_field`. Field names are configuration keys: 1 to 255 bytes without control
characters. Texts for people may have 4 KiB.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sluice._form import Choice, Field, check_text
from sluice._names import check_name

__all__ = ["DropdownField", "DropdownFieldParam", "TextField", "ToggleField"]


@dataclass
class DropdownFieldParam:
    """One choice of a `DropdownField`.

    `value` is what the configuration gets, as text. `label` is what people see instead of it;
    `description` explains it.
    """

    value: object
    label: str | None = None
    description: str | None = None


class TextField:
    """A line of text; with `TextField.password` one that is not shown while it is typed."""

    plain_text = 0
    password = 1

    def __new__(  # type: ignore[misc]
        cls,
        name: str,
        label: str,
        field_type: int = 0,
        *,
        description: str | None = None,
        required: bool = False,
        placeholder: str | None = None,
    ) -> Field:
        """Make the field. Raises TypeError or ValueError for arguments that no form can show."""
        if field_type not in (cls.plain_text, cls.password):
            raise ValueError(f"field {name}: field_type must be TextField.plain_text or TextField.password")
        kind = "password" if field_type == cls.password else "text"
        return _field(name, label, kind, description, required, placeholder)


class DropdownField:
    """A choice among several; `fields` is a list of `DropdownFieldParam` and must not be empty."""

    def __new__(  # type: ignore[misc]
        cls,
        name: str,
        label: str,
        *,
        fields: Iterable[DropdownFieldParam],
        description: str | None = None,
        required: bool = False,
        placeholder: str | None = None,
    ) -> Field:
        """Make the field. Raises TypeError or ValueError for arguments that no form can show."""
        choices = tuple(_choice(name, choice) for choice in fields or ())
        if not choices:
            raise ValueError(f"DropdownField {name!r} must have at least one choice in `fields`")
        return _field(name, label, "dropdown", description, required, placeholder, choices)


class ToggleField:
    """On or off; the configuration gets `true` or `false` as text."""

    def __new__(  # type: ignore[misc]
        cls,
        name: str,
        label: str,
        *,
        description: str | None = None,
        required: bool = False,
    ) -> Field:
        """Make the field. Raises TypeError or ValueError for arguments that no form can show."""
        return _field(name, label, "toggle", description, required, None)


def _field(
    name: str,
    label: str,
    kind: str,
    description: str | None,
    required: bool,
    placeholder: str | None,
    choices: tuple[Choice, ...] = (),
) -> Field:
    name = check_name(name, "the name of a form field")
    return Field(
        name,
        check_text(f"field {name}: label", label),
        kind,
        None if description is None else check_text(f"field {name}: description", description),
        None if placeholder is None else check_text(f"field {name}: placeholder", placeholder),
        bool(required),
        choices,
    )


def _choice(name: str, choice: DropdownFieldParam) -> Choice:
    value = str(choice.value)
    label = value if choice.label is None else str(choice.label)
    what = f"field {name}: a choice's"
    return Choice(
        check_text(f"{what} value", value),
        check_text(f"{what} label", label),
        check_text(f"{what} description", "" if choice.description is None else str(choice.description)),
    )
