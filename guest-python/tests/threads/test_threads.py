"""Threads of one stack, each case in an interpreter of its own, because they replace the system's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).with_name("thread_cases.py")

EXPECTED: dict[str, Any] = {
    "start_and_join_in_order": [[[], True], [0, 1, 2], [False, False, False]],
    "names_idents_and_locals": [[["worker", False, True]], "main", True, True],
    "an_exception_in_a_thread_is_the_hooks": [["KeyError", "failing"]],
    "a_consumer_started_first": [0, 1, 2, 3, 4],
    "a_producer_for_main": [0, 1, 2, 3],
    "stages": [0, 10, 20],
    "daemon_workers_and_queue_join": [0, 1, 2, 3, 4, 5],
    "a_worker_that_waits_for_more_is_an_error": [1, True, True, True],
    "an_event_with_a_timeout": [False, True],
    "an_event_that_a_thread_sets": True,
    "a_barrier": [["before"] * 3 + ["after"] * 3, 6],
    "locks": [[True, False, False], False, [False]],
    "a_condition": [True, [1]],
    "polling": True,
    "a_heartbeat": [[1, 2, 4], []],
    "timers": [["fired"], False, False],
    "a_pool": [
        [[0, "0"], [1, "0"], [2, "0"]],
        [0, 1, 2],
        "IndexError('list index out of range')",
        4,
        0,
    ],
    "a_pool_first_exception_and_callbacks": [True, [8]],
    "cancelling": [[True, True, 2, False], 2, True, "cannot schedule new futures after shutdown"],
    "an_initializer": [[7, 7, 7], ["BrokenThreadPool", "BrokenThreadPool"]],
    "tasks_of_tasks": 33,
    "a_timeout_of_a_result_is_not_reached": 32,
    "asyncio_in_threads": [[1, 2, 4], "slept"],
    "the_end_of_a_sync": ["task", "thread"],
    "too_deep": True,
}

REFUSED = {
    "nobody_sets_the_event": "the main thread waits at",
    "a_lock_taken_twice": "the main thread waits at",
    "a_second_round_for_daemon_workers_is_an_error": "thread worker was ended at",
    "joining_a_daemon_that_was_ended_is_an_error": "thread worker cannot be joined: it was ended at",
}


def run(name: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-I", str(CASES), name], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: list[Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("name", EXPECTED)
def test_works(name: str) -> None:
    assert run(name) == ["value", EXPECTED[name]]


@pytest.mark.parametrize("name", REFUSED)
def test_an_endless_wait_is_an_error_with_its_place(name: str) -> None:
    kind, error, text = run(name)
    assert (kind, error) == ("error", "WaitsForever")
    assert REFUSED[name] in text
    assert "thread_cases.py:" in text
