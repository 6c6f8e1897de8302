"""Rows that cannot be sent: handed to the host with the reason, where the operator wants that."""

from __future__ import annotations

from typing import Any

from sluice import _contract
from sluice._contract import WIRE_TYPES
from sluice._encoding import Wire
from sluice._errors import Rejected, SluiceError
from sluice._names import check_name
from sluice._schema import Table
from sluice._values import encoder

_MAX_TEXT = 1000


def handed_over(table: Table, operation: str, row: dict[Any, Any], error: Exception) -> bool:
    """Whether a row that raised `error` was handed to the host instead.

    It is not when the operator does not want it, or when the error is not about what the row holds:
    a refusal of the host, or an exception of the author's own code. Such an error goes on.
    """
    if isinstance(error, SluiceError) or not table.tolerance.rejects:
        return False
    reasons: list[str] = []
    cells = _cells(table, row, reasons)
    if not reasons:
        return False
    _contract.reject(operation, table.schema, table.name, cells, reasons[0])
    return True


def _cells(table: Table, row: dict[Any, Any], reasons: list[str]) -> dict[str, Wire | None]:
    """The row as far as it can be told; why it cannot be sent goes to `reasons`."""
    cells: dict[str, Wire | None] = {}
    for name, value in row.items():
        try:
            name = check_name(name, "column name", blank=True)
        except (TypeError, ValueError) as error:
            reasons.append(str(error))
            continue
        if value is None:
            cells[name] = None
            continue
        try:
            cells[name] = _usable(encoder(table.declared(name), type(value)).encode(value))
        except Rejected as rejected:
            reasons.append(f"column {name}: {rejected.reason}")
            cells[name] = _resembling(value)
    return cells


def _usable(pair: Wire) -> Wire:
    if type(pair[1]) is not WIRE_TYPES[pair[0]]:
        raise Rejected(TypeError, "it did not give a usable value")
    return pair


def _resembling(value: Any) -> Wire:
    """The value as an undeclared column has it, else as a text that shows what it is."""
    try:
        return _usable(encoder(None, type(value)).encode(value))
    except Rejected:
        pass
    try:
        text = str.__str__(value) if isinstance(value, str) else str(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return "texts", text[:_MAX_TEXT].encode("utf-8", "backslashreplace").decode()
