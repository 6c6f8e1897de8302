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


def raw(url, count):
    from wit_world.imports import http as h
    t=[0.0,0.0,0.0,0.0]
    now=time.perf_counter
    for n in range(count):
        a=now()
        e=h.send(h.Request("GET", f"{url}/{n}", [h.Header("Accept", b"*/*"), h.Header("User-Agent", b"x"), h.Header("Accept-Encoding", b"gzip, deflate")], None, h.Timeouts(30000,30000)))
        b=now()
        e.head()
        c=now()
        e.read(65536)
        d=now()
        e.read(65536)
        e.__exit__(None,None,None)
        f=now()
        t[0]+=b-a;t[1]+=c-b;t[2]+=d-c;t[3]+=f-d
    print([x/count*1e6 for x in t])
    return sum(t)
