"""Which of Python's own modules a component starts with, and which it never holds."""

from __future__ import annotations

PRELOAD: tuple[str, ...] = (
    # text, numbers, time
    "string", "re", "textwrap", "unicodedata", "difflib", "shlex", "stringprep",
    "math", "cmath", "decimal", "fractions", "numbers", "random", "statistics", "secrets",
    "time", "datetime", "calendar", "zoneinfo", "locale", "_strptime",
    # data types
    "array", "bisect", "collections", "collections.abc", "contextvars", "copy", "copyreg", "dataclasses",
    "enum", "functools", "graphlib", "heapq", "itertools", "operator", "pprint", "queue", "reprlib", "types",
    "typing", "weakref", "_weakrefset", "annotationlib",
    # formats
    "base64", "binascii", "configparser", "csv", "gzip", "html", "html.entities", "html.parser", "json",
    "json.decoder", "json.encoder", "marshal", "pickle", "plistlib", "quopri", "struct", "tarfile", "tomllib",
    "xml.dom.minidom", "xml.etree.ElementTree", "xml.sax", "xml.sax.saxutils", "zipfile", "zlib",
    # codecs that are looked up by name while a sync runs
    "encodings.ascii", "encodings.cp1252", "encodings.idna", "encodings.latin_1", "encodings.punycode",
    "encodings.utf_16", "encodings.utf_16_be", "encodings.utf_16_le", "encodings.utf_32", "encodings.utf_8",
    "encodings.utf_8_sig", "encodings.raw_unicode_escape", "encodings.unicode_escape",
    # hashing
    "hashlib", "hmac", "uuid", "zlib",
    # network
    "email", "email.header", "email.message", "email.mime.multipart", "email.mime.text", "email.parser",
    "email.policy", "email.utils", "http", "http.client", "http.cookiejar", "http.cookies", "ipaddress",
    "mimetypes", "netrc", "selectors", "socket", "ssl", "urllib.error", "urllib.parse", "urllib.request",
    "urllib.response", "urllib.robotparser",
    # the language and its tools
    "abc", "argparse", "ast", "atexit", "codecs", "contextlib", "gc", "importlib", "importlib.abc",
    "importlib.machinery", "importlib.metadata", "importlib.resources", "importlib.resources._adapters",
    "importlib.resources._common", "importlib.resources._functional", "importlib.resources.abc",
    "importlib.resources.readers", "importlib.util", "inspect", "io", "keyword", "linecache", "logging",
    "logging.config", "logging.handlers", "optparse", "pkgutil", "platform", "signal", "stat", "sys",
    "sysconfig", "tokenize", "traceback", "warnings",
    # files and processes: the modules exist, what they reach does not
    "fnmatch", "getpass", "glob", "os", "os.path", "pathlib", "shutil", "subprocess", "tempfile",
    # concurrency
    "asyncio", "concurrent.futures", "concurrent.futures.thread", "sched", "threading",
    # data base
    "sqlite3",
)  # fmt: skip

# Modules that libraries import a second time, to get them without their C part.
AGAIN: frozenset[str] = frozenset({"xml/etree/ElementTree.py"})

NEVER: frozenset[str] = frozenset(
    # tools, demonstrations, graphics, and the project's own build
    {
        "antigravity", "config-3.14-wasm32-wasi", "ensurepip", "idlelib", "lib-dynload", "pydoc_data",
        "site-packages", "test", "this", "tkinter", "turtle", "turtledemo", "venv", "__phello__", "__hello__",
    }
)  # fmt: skip
