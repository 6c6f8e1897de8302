"""What a hostile connector tries. Each mode first lands a row, so that a test can tell that
the connector really ran, and most then do something that must end within a limit."""

import json
import os
import sys
import time

import requests
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op


def _begin():
    op.upsert("begun", {"id": 1})
    op.checkpoint({"begun": True})


def endless_loop(configuration, state):
    _begin()
    while True:
        pass


def endless_loop_that_catches(configuration, state):
    _begin()
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


def endless_c_code(configuration, state):
    """One call into C that would take hours."""
    _begin()
    op.upsert("after", {"id": (10**10**8) % 7})


def colliding_keys(configuration, state):
    """A dictionary of which every key has the same hash."""
    _begin()
    op.upsert("after", {"id": len({number * sys.hash_info.modulus: None for number in range(10**6)})})


def chance_drawn(configuration, state):
    import random

    op.upsert("draws", {"id": 1, "system": os.urandom(16).hex(), "python": str(random.random())})


def everything_reachable(configuration, state):
    """Every text that can be found from the interpreter's own objects, and the state."""
    import gc

    texts = {
        text
        for one in gc.get_objects()
        if isinstance(one, dict)
        for text in one.values()
        if type(text) is str
    }
    op.upsert("reachable", {"id": 1, "text": "\n".join(sorted(texts))[:900_000], "state": json.dumps(state)})


def endless_sleep(configuration, state):
    _begin()
    time.sleep(10**6)


def memory_bomb(configuration, state):
    _begin()
    hoard = []
    while True:
        hoard.append(bytearray(1024 * 1024))


def memory_refusal_is_survived(configuration, state):
    try:
        bytearray(10**9)
    except MemoryError:
        op.upsert("survived", {"id": 1})


def deep_recursion(configuration, state):
    def down():
        return down() + 1

    try:
        down()
    except RecursionError:
        op.upsert("survived", {"id": 1})


def bottomless_recursion(configuration, state):
    _begin()
    sys.setrecursionlimit(10**9)

    def down():
        return down() + 1

    down()


def nested_json(configuration, state):
    try:
        json.loads("[" * 200_000)
    except RecursionError:
        op.upsert("survived", {"id": 1})


def nested_json_from_api(configuration, state):
    try:
        requests.get(configuration["url"], timeout=10).json()
    except RecursionError:
        op.upsert("survived", {"id": 1})


def _recurse_in_attributes():
    class Endless:
        def __getattr__(self, name):
            return getattr(self, name + "x")

    return Endless().a


def _recurse_in_comparison():
    class Endless:
        def __lt__(self, other):
            return sorted([Endless(), Endless()])

    return Endless() < Endless()


def _nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def deep_shapes(configuration, state):
    """Deep recursion through Python and C code; each must be an exception and nothing worse."""
    import re

    shapes = {
        "attributes": _recurse_in_attributes,
        "comparison": _recurse_in_comparison,
        "repr": lambda: repr(_nested(200_000)),
        "equality": lambda: _nested(200_000) == _nested(200_000),
        "dumps": lambda: json.dumps(_nested(200_000)),
        "compile": lambda: compile("(" * 100_000 + ")" * 100_000, "deep", "eval"),
        "pattern": lambda: re.compile("(" * 20_000 + ")" * 20_000),
    }
    for name, shape in shapes.items():
        try:
            shape()
            outcome = "returned"
        except (RecursionError, MemoryError, SyntaxError) as error:
            outcome = type(error).__name__
        op.upsert("shapes", {"name": name, "outcome": outcome})


def huge_string(configuration, state):
    _begin()
    op.upsert("huge", {"id": 1, "text": "x" * 10**9})


def large_value(configuration, state):
    _begin()
    op.upsert("large", {"id": 1, "text": "x" * (20 * 1024 * 1024)})
    op.checkpoint({"landed": True})


def huge_log(configuration, state):
    log.info("y" * (40 * 1024 * 1024))


def get(configuration, state):
    response = requests.get(configuration["url"], timeout=10)
    op.upsert("got", {"id": 1, "status": response.status_code, "text": response.text})


def get_and_hide_the_denial(configuration, state):
    try:
        requests.get(configuration["url"], timeout=10)
    except Exception as error:
        op.upsert("denied", {"id": 1, "error": str(error)})


def get_many(configuration, state):
    """Asks for each address of a list and lands what came of it."""
    for number, url in enumerate(configuration["urls"].split()):
        try:
            outcome = str(requests.get(url, timeout=10).status_code)
        except Exception as error:
            outcome = type(error).__name__
        op.upsert("attempts", {"id": number, "url": url, "outcome": outcome})


def probe(configuration, state):
    """Looks for anything of the host that can be seen, and lands what it finds."""
    found = {"environment": json.dumps(dict(os.environ)), "arguments": json.dumps(sys.argv)}
    for path in ("/etc/passwd", "/proc/self/environ", "../../../../etc/passwd", configuration["file"]):
        try:
            with open(path) as file:
                found["read " + path] = file.read()
        except OSError as error:
            found["read " + path] = type(error).__name__
    for path in ("/etc/passwd", "/x/y", "../x/y", configuration["file"]):
        try:
            with open(path, "w") as file:
                file.write("x")
            found["write " + path] = "written"
        except OSError as error:
            found["write " + path] = type(error).__name__
    found["stdin"] = sys.stdin.read() if sys.stdin else ""
    for what, outcome in found.items():
        op.upsert("found", {"what": what, "outcome": outcome})


def sockets(configuration, state):
    import socket

    attempts = {
        "connect": lambda: socket.create_connection(("127.0.0.1", int(configuration["port"])), timeout=2),
        "name": lambda: socket.getaddrinfo("localhost", 80),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        "listen": lambda: socket.create_server(("0.0.0.0", 0)),
    }
    row = {"id": 1}
    for name, attempt in attempts.items():
        try:
            attempt()
            row[name] = "worked"
        except OSError as error:
            row[name] = type(error).__name__
    op.upsert("sockets", row)


def subprocesses(configuration, state):
    import subprocess

    row = {"id": 1}
    try:
        subprocess.run(["/bin/true"], check=True)
        row["subprocess"] = "worked"
    except Exception as error:
        row["subprocess"] = type(error).__name__
    op.upsert("processes", row)


def log_flood(configuration, state):
    for number in range(200_000):
        log.info(f"line {number} " + "x" * 200)
    op.upsert("survived", {"id": 1})


def stderr_flood(configuration, state):
    """A line without an end, then many long lines."""
    for _ in range(500):
        sys.stderr.write("e" * 100_000)
    for _ in range(1000):
        sys.stderr.write("e" * 100_000 + "\n")
    op.upsert("survived", {"id": 1})


ESCAPES = "before \x1b[2J\x1b]0;title\x07 \u202eevil\u2028\nsecond line\r\x9b31m\x00\x7f after"


def terminal_escapes(configuration, state):
    log.info(ESCAPES)
    print(ESCAPES)
    sys.stderr.write(ESCAPES + "\n")
    op.upsert("escapes", {"id": 1, "text": ESCAPES, ESCAPES[:4] + " column": 1})


def terminal_escapes_in_failure(configuration, state):
    failure = type("Error" + ESCAPES.replace("\x00", ""), (Exception,), {})
    raise failure(ESCAPES)


def secret_in_log(configuration, state):
    import base64
    import urllib.parse

    key = configuration["api_key"]
    log.info("the key is " + key)
    log.info("encoded " + base64.b64encode(("user:" + key).encode()).decode())
    log.info("quoted " + urllib.parse.quote(key, safe=""))
    print("printed " + key)
    sys.stderr.write("half " + key[:5])
    sys.stderr.write(key[5:] + "\n")
    raise ValueError("the key was " + configuration["api_key"])


def exit_quietly(configuration, state):
    _begin()
    op.upsert("after", {"id": 1})
    os._exit(0)


def exit_politely(configuration, state):
    _begin()
    op.upsert("after", {"id": 1})
    sys.exit(0)


def exit_with_an_exception_on_the_way(configuration, state):
    """Leaves through a generator that will not be closed."""
    _begin()
    op.upsert("after", {"id": 1})
    try:
        yield
    finally:
        sys.exit(0)


def failure_in_a_batch(configuration, state):
    for number in range(10):
        op.upsert("items", {"id": number})
    op.checkpoint({"next": 10})
    for number in range(10, 2510):
        op.upsert("items", {"id": number})
    raise ValueError("the source went away")


def swallowed_refusal(configuration, state):
    op.upsert("begun", {"id": 1})
    op.checkpoint({"begun": True})
    try:
        for _ in range(10**9):
            requests.get(configuration["url"], timeout=10)
    except Exception:
        pass
    op.upsert("after", {"id": 1})


def tables_for_ever(configuration, state):
    _begin()
    number = 0
    while True:
        op.upsert(f"table {number}", {"id": 1})
        number += 1


def columns_for_ever(configuration, state):
    _begin()
    number = 0
    while True:
        op.upsert("wide", {"id": 1, f"column {number}": 1})
        number += 1


def tiny_operations(configuration, state):
    _begin()
    while True:
        op.upsert("tiny", {"id": 1})
        op.delete("tiny", {"id": 1})
        op.truncate("tiny")


def tiny_checkpoints(configuration, state):
    count = 0
    while True:
        op.checkpoint({"count": count})
        count += 1


def huge_state(configuration, state):
    _begin()
    op.upsert("after", {"id": 1})
    op.checkpoint({"text": "s" * (2 * 1024 * 1024)})


def rows_for_ever(configuration, state):
    number = 0
    while True:
        op.upsert("endless", {"id": number, "text": "x" * 1000})
        number += 1


def handles(configuration, state):
    """Keeps every response, so that handles pile up."""
    from wit_world.imports import http

    request = http.Request("GET", configuration["url"], [], None, http.Timeouts(None, None))
    kept = []
    for _ in range(100_000):
        kept.append(http.send(request))


MODES = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", None) == __name__
}
