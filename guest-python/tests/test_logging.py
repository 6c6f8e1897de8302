"""Logging takes any message and never raises."""

import contextlib

import pytest

from sluice import Logging as log


def test_levels(host):
    assert [(level.name, int(level)) for level in log.Level] == [
        ("DEBUG", 1),
        ("FINE", 2),
        ("INFO", 3),
        ("WARNING", 4),
        ("ERROR", 5),
        ("SEVERE", 6),
        ("CRITICAL", 7),
    ]
    for name in ("debug", "fine", "info", "warning", "error", "severe", "critical"):
        deprecated = name in ("fine", "severe")
        with pytest.deprecated_call() if deprecated else contextlib.nullcontext():
            getattr(log, name)(message="m")
    assert host.log == [(level.name, "m") for level in log.Level]


def test_a_level_may_be_set(host, monkeypatch):
    monkeypatch.setattr(log, "LOG_LEVEL", log.Level.WARNING)
    log.info("no")
    log.error("yes")
    assert host.log == [("ERROR", "yes")]


@pytest.mark.filterwarnings("ignore:Logging.severe")
@pytest.mark.parametrize("name", ["error", "severe", "critical"])
def test_an_exception_adds_where_it_came_from(host, name):
    try:
        raise ValueError("boom")
    except ValueError as error:
        getattr(log, name)("m", error)
    [(_, text)] = host.log
    assert text.startswith("m\nTraceback")
    assert "test_logging.py" in text
    assert "ValueError: boom" in text


class Bad:
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("message", [5, None, {"a": 1}, "\ud800", "x" * 100_000, Bad()])
def test_any_message_is_taken(host, message):
    log.info(message)
    [(level, text)] = host.log
    assert level == "INFO"
    assert len(text.encode()) <= 8192
