"""Where Sluice differs from the package on purpose: the reason, by the id of a vector."""

_FLOAT = "a float keeps its 64 bits"
_EXACT = "an int of any size is exact"
_TYPE = "a value without a declared type keeps its own"
_STATE = "a state is what `state.get` works on, and JSON that everybody reads"

REASONS = {
    "infer-int-over": _EXACT,
    "infer-int-1e400": _EXACT,
    "infer-float": _FLOAT,
    "infer-float-lossy": _FLOAT,
    "infer-float-1e300": _FLOAT,
    "infer-inf": _FLOAT,
    "infer-decimal": _TYPE,
    "infer-date": _TYPE,
    "infer-datetime-naive": _TYPE,
    "infer-bytearray": _TYPE,
    "infer-tuple": "a tuple is a list, not the text of one",
    "infer-set": "a set is a list, not the text of one",
    "decl-short-32768": "a SHORT has 16 bits",
    "decl-float-int": "rounding to 32 bits is left to the destination",
    "decl-decimal-int": "an int is exact in a DECIMAL",
    "decl-decimal-decimal": "a Decimal is what a DECIMAL is for",
    "decl-decimal-garbage": "text in a DECIMAL column must be a number",
    "args-key-empty": "a column has a name",
    "checkpoint-list": _STATE,
    "checkpoint-string": _STATE,
    "checkpoint-nan": _STATE,
    "schema-pk-string": "nobody means the columns `i` and `d`",
    "schema-columns-none": "None is the same as absent",
}
