"""Runs vectors on whichever SDK is importable as `fivetran_connector_sdk`, and says what came out.

    python observe.py <vectors.json>

prints one JSON object: for each vector of level `wire` its id, and either the class of the exception or
tables, rows and messages in the form of the vectors. Sluice and the package that its users come from
carry the same name, so each runs in a process of its own; see `compare.py`.
"""

import datetime as dt
import json
import sys
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

EPOCH = dt.datetime(1970, 1, 1)

KINDS = {
    "int": int,
    "float": float,
    "decimal": Decimal,
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
    "uuid": UUID,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
}


def python(value):
    """A value of a vector as the Python value that it stands for."""
    if isinstance(value, list):
        return [python(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("$py")
    if kind is None:
        return {name: python(entry) for name, entry in value.items()}
    if kind in ("tuple", "set"):
        return {"tuple": tuple, "set": set}[kind](python(value["v"]))
    if kind == "pairs":
        return {python(name): python(entry) for name, entry in value["v"]}
    if kind == "repeat":
        return value["v"][0] * value["v"][1] if isinstance(value["v"], list) else value["v"]
    return KINDS[kind](value["v"])


def plain(value):
    """A value as a vector writes it."""
    if isinstance(value, bytes):
        return {"$py": "bytes", "v": value.hex()}
    if isinstance(value, str) and len(value) > 10_000:
        return f"<{len(value)} chars>"
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return {"$py": "float", "v": str(value)}
    return value


def moment(micros, zone=""):
    return (EPOCH + dt.timedelta(microseconds=micros)).isoformat() + zone


def wire_vectors(path):
    with open(path, encoding="utf-8") as file:
        return [vector for vector in json.load(file)["vectors"] if vector["level"] == "wire"]


def observe(vector, sdk):
    """What an SDK makes of a vector."""
    schema = vector["schema"]
    try:
        columns = sdk.declare([] if schema is None else python(schema))
        for name, *arguments in vector["ops"]:
            getattr(sdk.operations, name)(*map(python, arguments))
        sdk.flush()
    except Exception as error:
        return {"error": type(error).__name__}
    tables = {name: {"columns": dict(types), "rows": []} for name, types in columns.items()}
    for operation, table, row in sdk.rows():
        shown = tables.setdefault(table, {"columns": {}, "rows": []})
        values = {} if operation == "upsert" else {"$op": operation}
        for name, (data_type, value) in row.items():
            values[name] = plain(value)
            known = shown["columns"].get(name, "")
            if data_type is not None and (not known or known.startswith("UNSPECIFIED")):
                shown["columns"][name] = data_type + known.removeprefix("UNSPECIFIED")
        shown["rows"].append(values)
    messages = [{"checkpoint": state} for state in sdk.checkpoints()]
    return {"tables": tables, **({"messages": messages} if messages else {})}


def original():
    """The package, without its servers: operations go into its queue, from which they are taken."""
    import fivetran_connector_sdk as package
    from fivetran_connector_sdk import operation_stream, operations, schema_processing
    from fivetran_connector_sdk_common import constants

    taken = []
    wires = {"bool": "BOOLEAN", "string": "STRING", "binary": "BINARY"}
    names = {number: name for name, number in package.common_pb2.DataType.items()}
    kinds = {0: "upsert", 1: "update", 2: "delete", 3: "truncate"}

    class Stream:
        def add_record(self, record):
            taken.append(record)

        def add_checkpoint(self, checkpoint):
            taken.append(checkpoint)

        def __getattr__(self, name):
            return getattr(operation_stream._OperationStream(), name)

    def declare(schema):
        taken.clear()
        constants.TABLES.clear()
        constants.TABLES_COLUMNS_TYPES.clear()
        tables = {}
        schema_processing.process_tables(schema, tables)
        return {label(*key): {c.name: shown_type(c) for c in t.columns} for key, t in tables.items()}

    def label(schema, table):
        return f"{schema}.{table}" if schema else table

    def shown_type(column):
        name = names[column.type]
        if name == "DECIMAL":
            size = column.params.decimal
            name += f"({size.precision},{size.scale})"
        return name + (" PK" if column.primary_key else "")

    def value(wire):
        case = wire.WhichOneof("inner")
        if case == "null":
            return None, None
        held = getattr(wire, case)
        data_type = wires.get(case, case.upper())
        if case in ("naive_date", "naive_datetime", "utc_datetime"):
            micros = held.seconds * 1_000_000 + held.nanos // 1000
            text = moment(micros, "Z" if case == "utc_datetime" else "")
            held = text[:10] if case == "naive_date" else text
        return data_type, held

    def rows():
        for record in taken:
            if hasattr(record, "table_name"):
                row = {name: value(wire) for name, wire in record.data.items()}
                yield kinds[record.type], label(record.schema_name, record.table_name), row

    def checkpoints():
        return [record.state_json for record in taken if hasattr(record, "state_json")]

    package.Logging.LOG_LEVEL = package.Logging.Level.CRITICAL
    operations.Operations.operation_stream = Stream()
    return SimpleNamespace(
        operations=operations.Operations,
        declare=declare,
        flush=lambda: None,
        rows=rows,
        checkpoints=checkpoints,
    )


def sluice():
    """Sluice's SDK on top of the fake bindings of its tests."""
    from wit_world.imports import operations as host

    from sluice import Operations, _schema
    from sluice._writer import writer

    undeclared = {
        "Booleans": "BOOLEAN", "Integers": "LONG", "Floats": "DOUBLE", "Texts": "STRING", "Blobs": "BINARY",
        "Json": "JSON", "Decimals": "DECIMAL", "Dates": "NAIVE_DATE", "Datetimes": "NAIVE_DATETIME",
        "Timestamps": "UTC_DATETIME",
    }  # fmt: skip
    declared = {}

    def declare(schema):
        host.calls.clear()
        tables = _schema.parse(schema)
        writer.declare(tables)
        writer.begin()
        declared.clear()
        declared.update({table.label: shown_types(table) for table in tables})
        return declared

    def shown_types(table):
        types = {}
        for name, data_type in table.definition().columns:
            shown = table.declared(name) or "UNSPECIFIED"
            if data_type is not None and data_type.size is not None:
                shown += "({},{})".format(*data_type.size)
            types[name] = shown + (" PK" if name in table.primary_key else "")
        return types

    def rows():
        for operation, table, *batches in (call for call in host.calls if call[0] != "checkpoint"):
            name = f"{table.schema}.{table.name}" if table.schema else table.name
            batch = batches[0] if batches else None
            for number in range(batch.rows if batch else 1):
                columns = batch.columns if batch else []
                yield operation, name, {c.name: value(name, c, number) for c in columns}

    def value(table, column, number):
        if number in column.nulls:
            return None, None
        case, held = type(column.values).__name__.removeprefix("Values_"), column.values.value[number]
        if case == "Mixed":
            case, held = type(held).__name__.removeprefix("Value_"), held.value
        times = {"Dates": "", "Datetimes": "", "Timestamps": "Z"}
        if case == "Dates":
            held = moment(held * 86_400_000_000)[:10]
        elif case in times:
            held = moment(held, times[case])
        known = declared.get(table, {}).get(column.name, "UNSPECIFIED").split(" ")[0]
        return (undeclared[case] if known == "UNSPECIFIED" else known), held

    def checkpoints():
        return [call[1] for call in host.calls if call[0] == "checkpoint"]

    return SimpleNamespace(
        operations=Operations, declare=declare, flush=writer.flush, rows=rows, checkpoints=checkpoints
    )


def observed(path, sdk):
    return {vector["id"]: observe(vector, sdk) for vector in wire_vectors(path)}


if __name__ == "__main__":
    json.dump(observed(sys.argv[1], original()), sys.stdout)
