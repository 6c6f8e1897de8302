"""Requests that the host refuses, and time that runs out."""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request

import requests
import urllib3
from snippets import session
from snippets.failures import CountingRetry
from urllib3.util import Retry
from wit_world.imports import http as host

from guest_cases.support import case, crossings, last, raises


@case
def denied_in_requests(env):
    with crossings(1), raises(requests.ConnectionError, "not granted: http to denied.test:80") as caught:
        session(Retry(total=5, connect=5, read=5, other=5)).get("http://denied.test/")
    refused = caught[0].args[0]
    assert isinstance(refused.reason, PermissionError)
    assert isinstance(refused.__cause__, PermissionError)


@case
def denied_is_no_retry(env):
    CountingRetry.seen.clear()
    with raises(requests.ConnectionError):
        session(CountingRetry(total=5)).get("http://denied.test/")
    assert CountingRetry.seen == []


@case
def denied_in_urllib3(env):
    with crossings(1), raises(urllib3.exceptions.MaxRetryError, "not granted") as caught:
        urllib3.PoolManager(retries=4).request("GET", "http://denied.test/")
    assert isinstance(caught[0].reason, PermissionError)


@case
def denied_in_the_standard_library(env):
    with raises(PermissionError, "not granted"):
        http.client.HTTPConnection("denied.test").request("GET", "/")
    with raises(urllib.error.URLError, "not granted") as caught:
        urllib.request.urlopen("http://denied.test/")
    assert isinstance(caught[0].reason, PermissionError)


@case
def limit_is_no_retry(env):
    with crossings(1), raises(requests.ConnectionError, "request limit of this sync reached (3)"):
        session(Retry(total=5)).get("http://limited.test/")


@case
def method_that_the_contract_lacks(env):
    with crossings(1), raises(ValueError, "PROPFIND"):
        session(Retry(total=5, allowed_methods=None)).request("PROPFIND", env.url + "/echo")


@case
def connect_timeout(env):
    with crossings(1), raises(requests.ConnectTimeout, "slow-connect.test"):
        requests.get("http://slow-connect.test/", timeout=(0.5, 9))
    CountingRetry.seen.clear()
    with crossings(3), raises(requests.ConnectTimeout):
        session(CountingRetry(total=9, connect=2)).get("http://slow-connect.test/", timeout=1)
    assert CountingRetry.seen[0].startswith("ConnectTimeoutError 8 1")
    with raises(TimeoutError):
        http.client.HTTPConnection("slow-connect.test", timeout=1).request("GET", "/")


@case
def timeouts_cross_in_milliseconds(env):
    assert last(env, timeout=(2.5, 0.25)).timeouts == host.Timeouts(2500, 250)
    assert last(env, timeout=3).timeouts == host.Timeouts(3000, 3000)
    assert last(env, timeout=(None, 0.7)).timeouts == host.Timeouts(None, 700)
    assert last(env).timeouts == host.Timeouts(None, None)
    assert last(env, timeout=1e9).timeouts == host.Timeouts(None, None)
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=1.0001)
    connection.request("GET", "/echo")
    assert host.sent[-1].timeouts == host.Timeouts(1001, 1001)
    assert http.client.HTTPConnection("127.0.0.1", env.port, timeout=None).connect() is None


@case
def timeouts_follow_each_request_of_a_session(env):
    with requests.Session() as made:
        for wait in (1, 2, 3):
            made.get(env.url + "/echo", timeout=(wait, wait + 10))
            assert host.sent[-1].timeouts == host.Timeouts(wait * 1000, wait * 1000 + 10_000)


@case
def default_timeout_of_sockets(env):
    socket.setdefaulttimeout(7)
    try:
        urllib.request.urlopen(env.url + "/echo").read()
    finally:
        socket.setdefaulttimeout(None)
    assert host.sent[-1].timeouts == host.Timeouts(7000, 7000)
