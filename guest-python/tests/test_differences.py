"""Sluice differs from what existing connectors know only where there is a reason, and the page says so."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "differences"))

import compare


@pytest.fixture
def outcomes(host):
    return compare.said_by_vectors(), compare.ours()


def test_every_difference_has_a_reason(outcomes):
    assert compare.complaints(*outcomes) == []


def test_the_page_lists_them(outcomes):
    text = compare.PAGE.read_text()
    assert compare.page(text, compare.table(*outcomes)) == text
