"""The fields of a setup form, under the name that existing connectors import."""

from sluice.form_field import DropdownField, DropdownFieldParam, TextField, ToggleField

__all__ = ["DropdownField", "DropdownFieldParam", "TextField", "ToggleField"]
