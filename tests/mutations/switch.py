"""Many mutants in one build: a function that one changes asks a number in the program which body it has.

    fn judge(...) -> Verdict { if crate::mutant_switch::on(7) { <with the mutant> } else { <as it is> } }

So a mutant costs four bytes written into the program and its tests' time. The number lies in the program
itself and not in the environment, because workers of the second wall start from the same file without any.

What is no function (a constant, an attribute), what is `const`, and what answers an `impl Trait` cannot be
switched; nor can what the compiler refuses beside its original. Such mutants are built alone.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from table import Broken, Mutant

MARK = b"sluice-mutant-switch-number:"
SWITCH = """
/// Which mutant this program is.
pub(crate) mod mutant_switch {
    #[used]
    static NUMBER: [u8; 32] = *b"MARK\\0\\0\\0\\0";

    pub(crate) fn on(number: u32) -> bool {
        let [.., a, b, c, d] = *std::hint::black_box(&NUMBER);
        u32::from_le_bytes([a, b, c, d]) == number
    }
}
""".replace("MARK", MARK.decode())

TOKEN = re.compile(
    r"""
    (?P<skip> //[^\n]* | /\*.*?\*/ | b?r(?P<hashes>\#*)".*?"(?P=hashes) | b?c?"(?:\\.|[^"\\])*"
            | b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^\\'\n])' | '[A-Za-z_]\w* | \s+ )
  | (?P<word> [A-Za-z_]\w* ) | (?P<arrow> -> ) | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Function:
    """The body of a function: from behind its opening brace to its closing one."""

    start: int
    end: int
    switchable: bool


def functions(text: str) -> list[Function]:
    tokens = [match for match in TOKEN.finditer(text) if match.lastgroup != "skip" and not match["skip"]]
    found = []
    for at, token in enumerate(tokens):
        if token.group() == "fn" and at + 1 < len(tokens) and tokens[at + 1]["word"]:
            before = [other.group() for other in tokens[max(0, at - 3) : at]]
            body = body_of(text, tokens[at + 2 :])
            if body:
                start, end, answer = body
                constant = "const" in before[-3:] and not {"{", "}", ";"} & set(
                    before[len(before) - before[::-1].index("const") :]
                )
                found.append(Function(start, end, not constant and not re.search(r"\bimpl\b", answer)))
    return found


def body_of(text: str, tokens: list[re.Match[str]]) -> tuple[int, int, str] | None:
    """Where the body of a function is, and what it answers."""
    depth, braces, start, answer = 0, 0, None, None
    for token in tokens:
        sign = token.group()
        if start is None:
            depth += sign in ("(", "[")
            depth -= sign in (")", "]")
            if depth == 0 and sign == "->" and answer is None:
                answer = token.end()
            elif depth == 0 and sign == ";":
                return None
            elif depth == 0 and sign == "{":
                start, braces = token, 1
        else:
            braces += sign == "{"
            braces -= sign == "}"
            if braces == 0:
                answered = text[answer : start.start()] if answer is not None else ""
                return start.end(), token.start(), answered
    return None


@dataclass
class Plan:
    """What is switched: mutants by number, and the texts of the files that have them."""

    numbers: dict[int, Mutant]
    texts: dict[str, str]


def plan(tree: Path, mutants: list[Mutant]) -> Plan:
    """Switches as many of the mutants as can be."""
    numbers: dict[int, Mutant] = {}
    bodies: dict[str, dict[Function, dict[int, list[tuple[str, str]]]]] = {}
    texts: dict[str, str] = {}
    known: dict[str, list[Function]] = {}
    for number, mutant in enumerate(mutants, 1):
        places = []
        for file, old, new in mutant.changes():
            if not file.endswith(".rs") or mutant.prebuilt:
                break
            if file not in texts:
                texts[file] = (tree / "host/src" / file).read_text()
                known[file] = functions(texts[file])
            text = texts[file]
            if text.count(old) != 1:
                # Said when it is tried alone.
                break
            start, end = text.index(old), text.index(old) + len(old)
            around = [body for body in known[file] if body.start <= start and end <= body.end]
            innermost = max(around, key=lambda body: body.start, default=None)
            nested = [other for other in bodies.get(file, {}) if innermost and crosses(other, innermost)]
            if innermost is None or not innermost.switchable or nested:
                break
            places.append((file, innermost, (old, new)))
        else:
            numbers[number] = mutant
            for file, body, change in places:
                bodies.setdefault(file, {}).setdefault(body, {}).setdefault(number, []).append(change)
    switched = {file: switched_text(texts[file], of_file) for file, of_file in bodies.items()}
    return Plan(numbers, switched)


def crosses(one: Function, other: Function) -> bool:
    """One function lies in the other."""
    return one != other and one.start < other.end and other.start < one.end


def switched_text(text: str, bodies: dict[Function, dict[int, list[tuple[str, str]]]]) -> str:
    for body, mutants in sorted(bodies.items(), key=lambda item: -item[0].start):
        inner = text[body.start : body.end]
        switched = f"/*<f {' '.join(map(str, mutants))}*/ "
        for number, changes in mutants.items():
            mutated = inner
            for old, new in changes:
                mutated = mutated.replace(old, new)
            switched += f"if crate::mutant_switch::on({number}) {{/*<m {number}*/{mutated}/*m>*/}} else "
        switched += f"{{{inner}}} /*f>*/"
        text = text[: body.start] + switched + text[body.end :]
    return text


def guilty(text: bytes, offset: int) -> set[int]:
    """The mutants that an error of the compiler at this place is due to."""
    for opening, closing in ((rb"/\*<m (\d+)\*/", rb"/\*m>\*/"), (rb"/\*<f ([\d ]+)\*/", rb"/\*f>\*/")):
        for match in re.finditer(opening, text):
            end = re.compile(closing).search(text, match.end())
            if match.start() <= offset and end and offset <= end.end():
                return {int(number) for number in match[1].split()}
    return set()


def place_of_number(program: Path) -> int:
    """Where the number of the mutant stands in a program."""
    contents = program.read_bytes()
    place = contents.find(MARK)
    if place < 0 or contents.find(MARK, place + 1) >= 0:
        raise Broken(f"{program} has no switch, or several")
    return place + len(MARK)


def set_number(program: Path, place: int, number: int) -> None:
    """Makes a program that mutant; 0 is none."""
    # A former one may still be running, and such a file is not written.
    fresh = program.with_name(f"{program.name}.new")
    shutil.copy2(program, fresh)
    with fresh.open("r+b") as file:
        file.seek(place)
        file.write(number.to_bytes(4, "little"))
    fresh.replace(program)
