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


def probe(configuration, state):
    """Looks for anything of the host that can be seen, and lands what it finds."""
    found = {"id": 1, "environment": json.dumps(dict(os.environ)), "arguments": json.dumps(sys.argv)}
    for path in (
        "/etc/passwd",
        "/proc/self/environ",
        "../../../../etc/passwd",
        "connector.py",
        "/project/connector.py",
    ):
        try:
            with open(path) as file:
                found[path] = file.read()
        except OSError as error:
            found[path] = type(error).__name__
    for path in ("/tmp/x", "x", "/project/x"):
        try:
            with open(path, "w") as file:
                file.write("x")
            found["write " + path] = "written"
        except OSError as error:
            found["write " + path] = type(error).__name__
    try:
        found["listing"] = json.dumps(os.listdir("/"))
    except OSError as error:
        found["listing"] = type(error).__name__
    found["stdin"] = sys.stdin.read() if sys.stdin else ""
    op.upsert("found", found)


def sockets(configuration, state):
    import socket

    attempts = {
        "connect": lambda: socket.create_connection(("127.0.0.1", int(configuration["port"])), timeout=2),
        "name": lambda: socket.getaddrinfo("localhost", 80),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
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
    import threading

    row = {"id": 1}
    try:
        subprocess.run(["/bin/true"], check=True)
        row["subprocess"] = "worked"
    except Exception as error:
        row["subprocess"] = type(error).__name__
    try:
        threading.Thread(target=print).start()
        row["thread"] = "worked"
    except RuntimeError as error:
        row["thread"] = type(error).__name__
    op.upsert("processes", row)


def log_flood(configuration, state):
    for number in range(200_000):
        log.info(f"line {number} " + "x" * 200)
    op.upsert("survived", {"id": 1})


def stderr_flood(configuration, state):
    for _ in range(1000):
        sys.stderr.write("e" * 100_000)
    op.upsert("survived", {"id": 1})


def terminal_escapes(configuration, state):
    log.info("before \x1b[2J\x1b]0;title\x07 \u202eevil\nsecond line\r\x9b31m")


def secret_in_log(configuration, state):
    log.info("the key is " + configuration["api_key"])
    print("printed " + configuration["api_key"])
    raise ValueError("the key was " + configuration["api_key"])


def exit_quietly(configuration, state):
    op.upsert("begun", {"id": 1})
    os._exit(0)


def exit_politely(configuration, state):
    op.upsert("begun", {"id": 1})
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
