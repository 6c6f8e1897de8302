"""JSON documents read by the extension against the standard library's own reader."""

import json
import random

from fivetran_connector_sdk import Operations as op

from sluice import _json

TEXTS = (
    "",
    "plain",
    "ein größerer Text",
    "🌊 wave",
    'quote " and \\ backslash',
    "line\nend\ttab\r\b\f/",
    "nul\0",
    "lone \ud83d half",
    "long " * 40,
    "\x7f\x80\u2028",
)
_LITERALS = """
    0 -0 7 -12 42 007 1. .5 -.5 -1 1.5 -0.0 0.1 3.14159 123456789.123456789 9007199254740993.0
    0.30000000000000004 1e5 1E-7 -2.5e+10 1e400 -1e400 5e-324 1e 1e+ 1.e5 123456789012345678
    1234567890123456789 9223372036854775807 9223372036854775808 -9223372036854775808
    -9223372036854775809 0.1234567890123456789 2.2250738585072014e-308 100000000000000000000000
    1.7976931348623157e308 12345678901234567.5 0.000000000000000000000001 NaN Infinity -Infinity nan
    true false null True nul tru nulll truefalse - + -- "\\ud83d\\ude00" "\\ud83d" "\\ude00\\ud83d"
    "\\ud83dx" "\\ud83d\\u0041" "\\u00e9" "\\u00E9\\u0000" "\\u12" "\\u12g4" "\\x" "\\ " "\\ '' 'text'
    "open [ ] { } [] {} [1,] [,1] {"a":1,} {"a"} {"a":} {1:2} {"a":1,"a":2} [1 2] [1]2 {"a":1}} // /**/
"""
LITERALS = _LITERALS.split()


def _value(chance, depth=0):
    kind = chance.randrange(9 if depth < 5 else 6)
    if kind < 2:
        return chance.choice(TEXTS) * chance.choice([1, 1, 3])
    if kind == 2:
        return chance.choice([True, False, None])
    if kind == 3:
        return chance.randrange(-(10 ** chance.randrange(1, 25)), 10 ** chance.randrange(1, 25))
    if kind < 6:
        return chance.choice(
            [chance.random(), chance.uniform(-1e9, 1e9), round(chance.uniform(-99, 99), 2), 0.0]
        )
    if kind == 6:
        return [_value(chance, depth + 1) for _ in range(chance.randrange(6))]
    names = [*TEXTS[:6], "id", "name", "n" * chance.randrange(90)]
    return {chance.choice(names): _value(chance, depth + 1) for _ in range(chance.randrange(7))}


def _document(chance):
    document = json.dumps(
        _value(chance),
        ensure_ascii=chance.random() < 0.5,
        indent=chance.choice([None, None, 1, "\t"]),
        separators=chance.choice([None, (",", ":"), (" ,\r\n", "\t: ")]),
    )
    return chance.choice(["", "", " \n", "\t\r"]) + document + chance.choice(["", "", " ", "\n\n"])


def _damaged(chance, document):
    at = chance.randrange(len(document) + 1)
    return chance.choice(
        [
            document[:at],
            document[:at] + document[at + 1 :],
            document[:at] + chance.choice('"\\{}[],:0e-.\0\x1f \ufeff') + document[at:],
            document[:at] + chance.choice(LITERALS) + document[at:],
            "[" * (at % 9) + document + "]" * (at % 9),
        ]
    )


def _read(read, document):
    """The value with the types in it, or the error."""
    try:
        return repr(read(document))
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


def agree(configuration, state):
    """Random documents, whole and damaged, mean the same to both, and are refused with the same words."""
    native, plain = _json._native, json.JSONDecoder()
    assert native is not None, "the extension is not in the component"
    fast = 0
    count, first = int(configuration["documents"]), int(configuration["seed"])
    for seed in range(first, first + count):
        chance = random.Random(seed)
        whole = _document(chance)
        fast += native.decode_json(whole) is not native.unusual_json
        for document in (whole, _damaged(chance, whole), chance.choice(LITERALS)):
            if document.startswith("\ufeff"):
                continue  # refused before the decoder is asked
            one, other = _read(json.loads, document), _read(plain.decode, document)
            assert one == other, f"seed {seed}: {document!r} is {one!r} and {other!r}"
    for deep in (199, 200, 201, 5_000):
        document = "[" * deep + "]" * deep
        assert _read(json.loads, document) == _read(plain.decode, document), f"{deep} arrays in one another"
    assert json.loads(b'{"a": [1, 2.5]}') == {"a": [1, 2.5]}
    assert json.loads("[1.5]", parse_float=str) == ["1.5"]
    op.upsert("agreed", {"documents": count, "most_of_them_fast": fast > count // 2})


MODES = {"json_way": agree}
