"""Modules that HTTP libraries import late, inside functions.

No file is left once the guest is built, so a late import fails in the middle of a sync
unless something else kept the module. All encodings together would add 14 MB to the
snapshot; only those are here that HTTP itself and most pages need.
"""

from __future__ import annotations

import importlib

_MODULES = (
    "_strptime",
    "base64",
    "calendar",
    "email.charset",
    "email.generator",
    "email.header",
    "email.iterators",
    "email.parser",
    "email.policy",
    "email.utils",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.utf_16",
    "encodings.utf_8",
    "encodings.utf_8_sig",
    "gzip",
    "hashlib",
    "hmac",
    "http.client",
    "http.cookiejar",
    "http.cookies",
    "importlib.resources",
    "importlib.resources._adapters",
    "importlib.resources._common",
    "importlib.resources.abc",
    "importlib.resources.readers",
    "json",
    "logging",
    "mimetypes",
    "netrc",
    "queue",
    "quopri",
    "select",
    "ssl",
    "stringprep",
    "unicodedata",
    "urllib.error",
    "urllib.request",
    "urllib.response",
    "zlib",
)


def install() -> None:
    """Import them all; what this Python does not have is left out."""
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
