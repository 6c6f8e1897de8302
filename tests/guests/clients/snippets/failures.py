"""What goes wrong, and how often `requests` tries again."""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Callable
from typing import Any, ClassVar

import requests
from urllib3.util import Retry, Timeout

from snippets import fails, kinds, session, shown, snippet


@snippet
def retry_until_good(env):
    retry = Retry(total=5, status_forcelist=[503], backoff_factor=0)
    return session(retry).get(f"{env.url}/flaky?key=good{env.run}&fail=3").text


@snippet
def retry_exhausted(env):
    key = f"bad{env.run}"
    retry = Retry(total=2, status_forcelist=[503], backoff_factor=0)
    try:
        session(retry).get(f"{env.url}/flaky?key={key}&fail=9")
    except requests.exceptions.RetryError as error:
        return [str(error.args[0].reason), requests.get(f"{env.url}/hits?key={key}").text]


class CountingRetry(Retry):
    seen: ClassVar[list[str]] = []

    def increment(self, method=None, url=None, response=None, error=None, _pool=None, _stacktrace=None):
        made = super().increment(method, url, response, error, _pool, _stacktrace)
        self.seen.append(f"{type(error).__name__} {made.total} {made.connect} {made.read} {made.other}")
        return made


def counted(call: Callable[[Retry], Any]) -> list[Any]:
    CountingRetry.seen.clear()
    try:
        call(CountingRetry(total=9, connect=2, read=2, other=2, backoff_factor=0))
    except requests.RequestException as error:
        return [type(error).__name__, type(error.args[0].reason).__name__, list(CountingRetry.seen)]
    return ["no error"]


@snippet
def retry_counts_connect(env):
    return counted(lambda retry: session(retry).get(env.refused))


@snippet
def retry_counts_names(env):
    return counted(lambda retry: session(retry).get("http://nowhere.invalid/"))


@snippet
def retry_counts_read(env):
    return counted(lambda retry: session(retry).get(env.url + "/drop"))


@snippet
def retry_counts_read_timeout(env):
    return counted(lambda retry: session(retry).get(env.url + "/silent", timeout=(5, 0.1)))


@snippet
def retry_counts_certificate(env):
    return counted(lambda retry: session(retry).get(env.untrusted + "/echo"))


@fails("requests.exceptions.ReadTimeout")
def read_timeout(env):
    requests.get(env.url + "/silent", timeout=(5, 0.1))


@fails("requests.exceptions.ConnectionError")
def read_timeout_in_body(env):
    requests.get(env.url + "/silent-body", timeout=(5, 0.2))


@fails("requests.exceptions.ConnectionError")
def read_timeout_while_streaming(env):
    for _ in requests.get(env.url + "/silent-body", timeout=(5, 0.2), stream=True).iter_content(2):
        pass


@snippet
def in_time(env):
    started = time.monotonic()
    response = requests.get(env.url + "/slowly", timeout=5)
    return [response.text, 0.04 < response.elapsed.total_seconds() <= time.monotonic() - started]


@fails("requests.exceptions.ConnectionError")
def connect_refused(env):
    requests.get(env.refused)


@fails("requests.exceptions.ConnectionError")
def name_unknown(env):
    requests.get("http://nowhere.invalid/")


@fails("urllib3.exceptions.LocationParseError")
def name_impossible(env):
    requests.get("http://a" + "b" * 70 + ".test/")


@snippet
def client_name_impossible(env):
    try:
        http.client.HTTPConnection("a" + "b" * 70 + ".test").request("GET", "/")
    except UnicodeError:
        return "refused"


@fails("requests.exceptions.ConnectionError")
def server_closes(env):
    requests.get(env.url + "/drop")


@fails("requests.exceptions.ConnectionError")
def server_talks_garbage(env):
    requests.get(env.url + "/garbage")


@fails("requests.exceptions.ChunkedEncodingError")
def body_truncated(env):
    requests.get(env.url + "/truncated")


@fails("requests.exceptions.ChunkedEncodingError")
def chunks_truncated(env):
    requests.get(env.url + "/truncated-chunks")


@snippet
def truncated_while_streaming(env):
    got = []
    try:
        for part in requests.get(env.url + "/truncated-chunks", stream=True).iter_content(3):
            got.append(part.decode())
    except requests.exceptions.ChunkedEncodingError as error:
        return [got, type(error.args[0]).__name__]


@snippet
def tls(env):
    return requests.get(env.tls + "/echo").json()


@snippet
def tls_session(env):
    with requests.Session() as made:
        return [made.get(env.tls + "/echo").status_code for _ in range(3)]


@fails("requests.exceptions.SSLError")
def tls_untrusted(env):
    requests.get(env.untrusted + "/echo")


@snippet
def tls_untrusted_says_why(env):
    try:
        requests.get(env.untrusted + "/echo")
    except requests.exceptions.SSLError as error:
        return ["CERTIFICATE_VERIFY_FAILED" in str(error), isinstance(error, requests.ConnectionError)]


@fails("requests.exceptions.SSLError")
def tls_not_spoken(env):
    requests.get(f"https://127.0.0.1:{env.port}/echo")


@snippet
def connection_errors_carry_their_request(env):
    try:
        requests.get(env.refused, params={"a": 1})
    except requests.ConnectionError as error:
        text = str(error)
        return [
            error.request.url == env.refused + "?a=1",
            error.response,
            "Max retries exceeded with url: /?a=1" in text,
        ]


@snippet
def timeouts_that_cannot_be(env):
    many = [0, -1, "soon", (1, 2, 3), (0, 1), True]
    return kinds(
        *(lambda timeout=timeout: requests.get(env.url + "/echo", timeout=timeout) for timeout in many)
    )


@snippet
def timeouts_that_can_be(env):
    many = [None, 5, 5.5, (5, None), (None, 5), Timeout(connect=5, read=5), Timeout(total=5)]
    return [requests.get(env.url + "/echo", timeout=timeout).status_code for timeout in many]


@snippet
def retry_waits_as_told(env):
    retry = Retry(total=2, status_forcelist=[500], backoff_factor=0)
    return session(retry).get(f"{env.url}/later?key=later{env.run}").text


@snippet
def retry_ends_with_the_response(env):
    retry = Retry(total=1, status_forcelist=[503], backoff_factor=0, raise_on_status=False)
    return shown(session(retry).get(f"{env.url}/status/503"))[:2]


@snippet
def retry_only_what_may_be_repeated(env):
    key = f"post{env.run}"
    retry = Retry(total=3, status_forcelist=[503], backoff_factor=0)
    first = session(retry).post(f"{env.url}/flaky?key={key}&fail=2").status_code
    allowed = Retry(total=3, status_forcelist=[503], backoff_factor=0, allowed_methods=None)
    return [first, session(allowed).post(f"{env.url}/flaky?key={key}&fail=2").status_code]


@snippet
def retry_history(env):
    retry = Retry(total=5, status_forcelist=[503], backoff_factor=0)
    answer = session(retry).get(f"{env.url}/flaky?key=history{env.run}&fail=2")
    return [[step.method, step.status] for step in answer.raw.retries.history]


@snippet
def retry_sends_the_body_again(env):
    retry = Retry(total=5, status_forcelist=[503], backoff_factor=0, allowed_methods=None)
    body = io.BytesIO(b"x" * 70_000)
    return session(retry).post(f"{env.url}/flaky?key=body{env.run}&fail=1", data=body).text
