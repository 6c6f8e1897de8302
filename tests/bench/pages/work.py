"""What both sides do; each function answers the seconds it took."""

import time

import requests


def session(url: str, count: int) -> float:
    """Pages, one after another, with a session."""
    with requests.Session() as made:
        made.get(f"{url}/0", timeout=30).raise_for_status()
        started = time.perf_counter()
        for number in range(count):
            response = made.get(f"{url}/{number}", params={"limit": 10}, timeout=30)
            response.raise_for_status()
            if len(response.json()["data"]) != 10:
                raise AssertionError("a page is missing")
        return time.perf_counter() - started


def single(url: str, count: int) -> float:
    """The same without a session."""
    requests.get(f"{url}/0", timeout=30).raise_for_status()
    started = time.perf_counter()
    for number in range(count):
        response = requests.get(f"{url}/{number}", params={"limit": 10}, timeout=30)
        response.raise_for_status()
        if len(response.json()["data"]) != 10:
            raise AssertionError("a page is missing")
    return time.perf_counter() - started


def body(url: str, mebibytes: int) -> float:
    """One body, in pieces."""
    started = time.perf_counter()
    left = mebibytes << 20
    with requests.get(f"{url}/{mebibytes}", stream=True, timeout=30) as response:
        for piece in response.iter_content(1 << 16):
            left -= len(piece)
    if left:
        raise AssertionError("bytes are missing")
    return time.perf_counter() - started
