"""What only the real host answers as meant here, and where the two sides differ on purpose."""

from __future__ import annotations

import http.client

import requests
import urllib3

from snippets import kinds, shown, snippet


@snippet
def chunk_extensions_and_trailers(env):
    return shown(requests.get(env.url + "/chunk-extension"))


@snippet
def urllib3_errors(env):
    pool = urllib3.PoolManager(retries=False)
    return kinds(
        lambda: pool.request("GET", env.refused),
        lambda: pool.request("GET", "http://nowhere.invalid/"),
        lambda: pool.request("GET", env.url + "/drop"),
        lambda: pool.request("GET", env.url + "/garbage"),
        lambda: pool.request("GET", env.url + "/truncated"),
        lambda: pool.request("GET", env.untrusted + "/echo"),
        lambda: pool.request("GET", env.url + "/silent", timeout=0.1),
        lambda: pool.request("GET", "gopher://a.test/"),
        lambda: pool.request("GET", env.url + "/lengths", preload_content=True),
        lambda: pool.request("BAD METHOD", env.url + "/echo"),
        lambda: pool.request("GET", env.url + "/bad-gzip"),
    )


@snippet
def differs_verification_off(env):
    return kinds(lambda: requests.get(env.untrusted + "/echo", verify=False).status_code)


@snippet
def differs_client_certificate(env):
    return kinds(lambda: requests.get(env.tls + "/echo", cert="/nowhere/client.pem"))


@snippet
def differs_own_authority(env):
    return kinds(lambda: requests.get(env.tls + "/echo", verify="/nowhere/ca.pem").status_code)


@snippet
def differs_proxies(env):
    return kinds(lambda: requests.get(env.url + "/echo", proxies={"http": env.refused}).status_code)


@snippet
def differs_methods(env):
    return kinds(lambda: requests.request("PROPFIND", env.url + "/status/200").status_code)


@snippet
def differs_host_header(env):
    return (
        dict(requests.get(env.url + "/echo", headers={"Host": "other.test"}).json()["headers"])["host"]
        == "other.test"
    )


@snippet
def differs_quotes_in_queries(env):
    return requests.get(env.url + "/echo", params="filter=name eq 'x'").json()["path"]


@snippet
def differs_names_of_headers(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("GET", "/twice")
    return [name for name, _ in connection.getresponse().getheaders()]


@snippet
def differs_reasons_beyond_ascii(env):
    return requests.get(env.url + "/latin").reason


@snippet
def differs_methods_of_ones_own(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    return kinds(lambda: connection.request("GE T", "/echo"))
