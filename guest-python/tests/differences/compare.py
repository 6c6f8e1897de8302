"""Compares Sluice's SDK with the package `fivetran-connector-sdk` 2.13.1 on the vectors of level `wire`.

    python compare.py                      what differs from what the vectors say of the package
    python compare.py --package PYTHON     the same with the package itself, which the interpreter PYTHON has
    python compare.py --write              also write the table of differences into docs/differences.md

Exits with 1 when something differs without a reason in `reasons.py`, a reason is not needed any more, or the
package does something else than the vectors say. Newer versions of the package are under another
licence and must not be used.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VECTORS = ROOT / "tests/vectors/semantics.json"
PAGE = ROOT / "docs/differences.md"
BEGIN, END = "<!-- from guest-python/tests/differences/compare.py -->", "<!-- end -->"

sys.path[:0] = [str(HERE), str(HERE.parents[1] / "src"), str(HERE.parent / "fakes")]

import observe  # noqa: E402
from reasons import REASONS  # noqa: E402


def said_by_vectors():
    """What the package did when the vectors were made."""
    return {vector["id"]: without_words(vector["expected"]) for vector in observe.wire_vectors(VECTORS)}


def said_by_package(python):
    """What the package does now."""
    command = [python, str(HERE / "observe.py"), str(VECTORS)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def without_words(outcome):
    return {"error": outcome["error"].split(" ")[0]} if "error" in outcome else outcome


def ours():
    """What Sluice's SDK does, on the fake bindings of its tests."""
    return observe.observed(VECTORS, observe.sluice())


def differing(theirs, found):
    return [key for key in theirs if _text(theirs[key]) != _text(found[key])]


def complaints(theirs, found):
    """Differences without a reason, and reasons without a difference."""
    different = differing(theirs, found)
    return [
        f"{key} differs: {_text(found[key])} instead of {_text(theirs[key])}"
        for key in different
        if key not in REASONS
    ] + [f"{key} does not differ any more" for key in REASONS if key not in different]


def table(theirs, found):
    """The differences as a table in Markdown."""
    vectors = {vector["id"]: vector for vector in observe.wire_vectors(VECTORS)}
    lines = ["| written | 2.13.1 | Sluice | reason |", "|---|---|---|---|"]
    for key in differing(theirs, found):
        cells = written(vectors[key]), outcome(theirs[key]), outcome(found[key]), REASONS[key]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def written(vector):
    """What an author writes, in few words."""
    [declared] = vector["schema"] or [{}]
    if not vector["ops"]:
        return (
            "`"
            + _short(json.dumps({name: value for name, value in declared.items() if name != "table"}))
            + "`"
        )
    [[operation, *arguments]] = vector["ops"]
    value = arguments[-1]
    if isinstance(value, dict) and "x" in value:
        data_type = (declared.get("columns") or {}).get("x", "no type")
        data_type = (
            data_type if isinstance(data_type, str) else "{type}({precision},{scale})".format(**data_type)
        )
        return f"`{_python(value['x'])}` with {data_type}"
    return f"`{operation}({_python(value)})`"


def outcome(result):
    """What came of it, in few words."""
    if "error" in result:
        return result["error"]
    if "messages" in result:
        return f"state `{_short(result['messages'][0]['checkpoint'])}`"
    [shown] = result["tables"].values()
    for row in shown["rows"]:
        if "x" in row:
            return f"{shown['columns']['x']} `{_python(row['x'])}`"
        return f"a row `{_python({name: value for name, value in row.items() if name != '$op'})}`"
    return ", ".join(f"`{name}` {data_type}" for name, data_type in shown["columns"].items()) or "no columns"


def _python(value):
    return _short(repr(observe.python(value)).replace("datetime.", ""))


def _short(text):
    return text if len(text) <= 40 else f"{text[:20]}...{text[-8:]}"


def _text(outcome):
    return json.dumps(outcome, sort_keys=True)


def page(text, new):
    """The text of the page with another table."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n\n{new}\n{END}{rest.split(END)[1]}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", metavar="PYTHON")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    theirs, found = said_by_vectors(), ours()
    wrong = complaints(theirs, found)
    if arguments.package:
        now = said_by_package(arguments.package)
        wrong += [f"{key}: the package does {_text(now[key])}" for key in differing(theirs, now)]
    for line in wrong:
        print(line)
    if arguments.write and not wrong:
        PAGE.write_text(page(PAGE.read_text(), table(theirs, found)))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
