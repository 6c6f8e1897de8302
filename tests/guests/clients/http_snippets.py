"""What connectors do with HTTP libraries; run as it is and through the patched libraries.

Each snippet gets `Env` and returns something that JSON can hold.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import io
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth
from urllib3.util import Retry, Timeout


class Env(NamedTuple):
    url: str
    tls: str
    untrusted: str
    refused: str
    port: int
    run: str
    """Differs between the two runs: names counters on the server."""


Snippet = Callable[[Env], Any]
SNIPPETS: dict[str, Snippet] = {}
FAILS: dict[str, str] = {}


def snippet(function: Snippet) -> Snippet:
    SNIPPETS[function.__name__] = function
    return function


def fails(kind: str) -> Callable[[Snippet], Snippet]:
    """Mark a snippet whose outcome is an exception of this class."""

    def mark(function: Snippet) -> Snippet:
        FAILS[function.__name__] = kind
        return snippet(function)

    return mark


def described(error: BaseException) -> list[Any]:
    """The exception's class and those of what it carries, without addresses and numbers."""
    carried = []
    inner: Any = error
    for _ in range(4):
        following = getattr(inner, "reason", None)
        if not isinstance(following, BaseException):
            following = next(
                (arg for arg in getattr(inner, "args", ()) if isinstance(arg, BaseException)), None
            )
        if following is None:
            break
        carried.append(type(following).__name__)
        inner = following
    return [type(error).__module__, type(error).__name__, carried]


def run(env: dict[str, Any]) -> dict[str, Any]:
    """What came of each snippet, as JSON can hold it."""
    results: dict[str, Any] = {}
    for name, function in SNIPPETS.items():
        try:
            results[name] = ["value", function(Env(**env))]
        except Exception as error:
            results[name] = ["error", *described(error)]
    return results


def shown(response: requests.Response) -> list[Any]:
    return [response.status_code, response.reason, response.url, response.text, response.encoding]


def session(retry: Retry) -> requests.Session:
    made = requests.Session()
    made.mount("http://", HTTPAdapter(max_retries=retry))
    made.mount("https://", HTTPAdapter(max_retries=retry))
    return made


@snippet
def get(env):
    return shown(requests.get(env.url + "/echo", timeout=5))


@snippet
def get_params(env):
    return requests.get(env.url + "/echo?z=1", params={"q": "a b&ü", "l": [1, 2]}).json()


@snippet
def post_json(env):
    return requests.post(env.url + "/echo", json={"k": ["v", 1, None, "ü"]}).json()


@snippet
def post_form(env):
    return requests.post(env.url + "/echo", data={"k": "v", "x": ["1", "2"]}).json()


@snippet
def post_nothing(env):
    return requests.post(env.url + "/echo").json()


@snippet
def post_files(env):
    body, kind = urllib3.encode_multipart_formdata({"f": ("n.txt", b"content"), "k": "v"}, boundary="b")
    made = requests.post(env.url + "/echo", data=body, headers={"Content-Type": kind}).json()
    sent = requests.post(env.url + "/echo", files={"f": ("n.txt", io.BytesIO(b"content"))}).json()
    return [made, sent["size"]]


@snippet
def post_generator(env):
    def parts() -> Iterator[bytes]:
        for number in range(50):
            yield b"part %d\r\n" % number

    return requests.post(env.url + "/echo", data=parts()).json()


@snippet
def post_file_object(env):
    return requests.post(env.url + "/echo", data=io.BytesIO(b"x" * 100_000)).json()


@snippet
def post_three_megabytes(env):
    return requests.post(env.url + "/echo", data=b"0123456789abcdef" * 196_608).json()


@snippet
def post_text(env):
    return requests.post(env.url + "/echo", data="grüße").json()


@snippet
def methods(env):
    names = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return [requests.request(name, env.url + "/echo").json()["method"] for name in names]


@snippet
def head(env):
    response = requests.head(env.url + "/big?kib=10")
    return [response.status_code, dict(response.headers), response.content.hex()]


@snippet
def redirects(env):
    response = requests.get(env.url + "/redirect/3")
    return [shown(response), [step.status_code for step in response.history]]


@snippet
def redirects_off(env):
    response = requests.get(env.url + "/redirect/3", allow_redirects=False)
    return [response.status_code, response.headers["location"], response.next.url]


@fails("requests.exceptions.TooManyRedirects")
def redirect_limit(env):
    made = requests.Session()
    made.max_redirects = 2
    return made.get(env.url + "/redirect/5").status_code


@snippet
def redirect_see_other(env):
    return requests.post(env.url + "/see-other", data={"a": 1}).json()


@snippet
def redirect_strips_authorization(env):
    return requests.get(env.url + "/away", auth=("user", "pass")).json()


@snippet
def unpacks_gzip(env):
    response = requests.get(env.url + "/gzip")
    return [response.json(), dict(response.headers)]


@snippet
def unpacks_deflate(env):
    return requests.get(env.url + "/deflate").json()


@snippet
def raw_gzip_is_not_unpacked(env):
    return requests.get(env.url + "/gzip", stream=True).raw.read().hex()


@snippet
def session_cookies(env):
    with requests.Session() as made:
        made.headers["X-Mine"] = "1"
        response = made.get(env.url + "/set-cookie")
        return [response.json(), sorted(made.cookies.items()), made.get(env.url + "/echo").json()]


@snippet
def basic_auth(env):
    good = requests.get(env.url + "/basic", auth=("user", "pass"))
    bad = requests.get(env.url + "/basic", auth=("user", "no"))
    return [shown(good), shown(bad)]


@snippet
def digest_auth(env):
    return shown(requests.get(env.url + "/digest", auth=HTTPDigestAuth("user", "pass")))


@fails("requests.exceptions.HTTPError")
def raise_for_status(env):
    requests.get(env.url + "/status/404").raise_for_status()


@snippet
def statuses(env):
    return [shown(requests.get(f"{env.url}/status/{code}"))[:2] for code in (200, 201, 400, 418, 500, 599)]


@snippet
def no_content(env):
    response = requests.get(env.url + "/status/204")
    return [response.status_code, response.content.hex()]


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
def until_close(env):
    return [
        shown(requests.get(env.url + "/until-close")),
        dict(requests.get(env.url + "/until-close").headers),
    ]


@snippet
def iter_content(env):
    sizes = (1000, 65536, 200_000, 2_000_000)
    got = []
    for size in sizes:
        parts = list(requests.get(env.url + "/big?kib=1500", stream=True).iter_content(size))
        got.append([len(parts), sum(map(len, parts)), hash(b"".join(parts)) != 0])
    return got


@snippet
def iter_content_cut_off_in_the_middle(env):
    got, answer = 0, requests.get(env.url + "/truncated?kib=600", stream=True)
    try:
        for part in answer.iter_content(10_000):
            got += len(part)
    except requests.exceptions.ChunkedEncodingError as error:
        cause = error.args[0]
        return [got, type(cause).__name__, cause.args[1].args, answer.raw.tell(), answer.raw.length_remaining]


@snippet
def iter_content_beside_other_reads(env):
    got = []
    with requests.get(env.url + "/big?kib=700", stream=True) as answer:
        parts = answer.iter_content(30_000)
        for size in (0, 5, 40_000, 1):
            part = next(parts)
            got.append([len(part), part[:3].hex(), answer.raw.tell(), answer.raw.length_remaining])
            read = answer.raw.read(size)
            got.append([len(read), read[:3].hex(), answer.raw.tell()])
        rest = b"".join(parts)
    return [got, len(rest), rest[:3].hex(), rest[-3:].hex()]


@snippet
def iter_content_closed_in_the_middle(env):
    answer = requests.get(env.url + "/big?kib=700", stream=True)
    got = []
    for part in answer.iter_content(30_000):
        got.append(len(part))
        if len(got) == 3:
            answer.close()
    return [got, answer.raw.closed]


@snippet
def big_content(env):
    content = requests.get(env.url + "/big?kib=3000").content
    return [len(content), content == bytes(range(256)) * 12000]


@snippet
def big_chunked_content(env):
    response = requests.get(env.url + "/big-chunks")
    return [len(response.content), response.headers["transfer-encoding"]]


@snippet
def iter_content_of_chunks(env):
    parts = list(requests.get(env.url + "/big-chunks", stream=True).iter_content(1 << 20))
    return sum(map(len, parts))


@snippet
def iter_lines_as_they_arrive(env):
    got = []
    with requests.get(env.url + "/lines", stream=True, timeout=5) as response:
        for line in response.iter_lines():
            got.append(line.decode())
            if len(got) < 4:
                requests.get(env.url + "/next")
    return got


@snippet
def iter_lines_with_length(env):
    return sum(1 for _ in requests.get(env.url + "/big?kib=20", stream=True).iter_lines(chunk_size=500))


@snippet
def raw_read_and_early_close(env):
    made = requests.Session()
    with made.get(env.url + "/big?kib=3000", stream=True) as response:
        first = response.raw.read(10).hex()
    return [first, made.get(env.url + "/echo").status_code]


@snippet
def stream_headers_first(env):
    with requests.get(env.url + "/silent-body", stream=True) as response:
        return [response.status_code, response.raw.read(4).decode()]


@snippet
def headers_latin(env):
    response = requests.get(env.url + "/latin", headers={"X-In": "é".encode("latin-1")})
    return response.headers["x-name"]


@snippet
def headers_twice(env):
    response = requests.get(env.url + "/twice")
    listed = [list(pair) for pair in response.raw.headers.items()]
    return [dict(response.headers), listed, response.raw.headers.getlist("x-two"), response.links]


@snippet
def header_sent_latin(env):
    return requests.get(env.url + "/echo", headers={"X-In": "é".encode("latin-1")}).json()


@fails("requests.exceptions.InvalidHeader")
def header_bad(env):
    requests.get(env.url + "/echo", headers={"X-In": "a\r\nX-Smuggled: 1"})


@snippet
def interim_response(env):
    return shown(requests.get(env.url + "/interim"))


@snippet
def charset(env):
    return shown(requests.get(env.url + "/charset"))


@snippet
def user_information_becomes_a_header(env):
    return requests.get(f"http://user:pass@127.0.0.1:{env.port}/basic").text


@snippet
def fragment_is_not_sent(env):
    return requests.get(env.url + "/echo?a=1#part").json()["path"]


@fails("requests.exceptions.MissingSchema")
def no_scheme(env):
    requests.get("127.0.0.1/echo")


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
def urllib3_pool(env):
    pool = urllib3.PoolManager()
    response = pool.request("GET", env.url + "/echo", fields={"a": "b"}, headers={"X": "y"})
    return [response.status, response.json(), response.version]


@snippet
def urllib3_post(env):
    pool = urllib3.PoolManager()
    return [
        pool.request("POST", env.url + "/echo", json={"a": 1}).json(),
        pool.request("POST", env.url + "/echo", body=iter([b"a", b"b"])).json(),
        pool.request("PUT", env.url + "/echo", fields={"a": "b"}, encode_multipart=False).json(),
    ]


@snippet
def urllib3_tls(env):
    return urllib3.PoolManager().request("GET", env.tls + "/echo").json()


@snippet
def urllib3_stream(env):
    response = urllib3.PoolManager().request("GET", env.url + "/big?kib=100", preload_content=False)
    sizes = [len(part) for part in response.stream(30_000)]
    response.release_conn()
    return sizes


@snippet
def urllib3_read_chunked(env):
    response = urllib3.PoolManager().request("GET", env.url + "/big-chunks", preload_content=False)
    return sum(len(part) for part in response.read_chunked())


@fails("urllib3.exceptions.MaxRetryError")
def urllib3_redirect_and_retry(env):
    pool = urllib3.PoolManager(retries=Retry(3, redirect=2))
    return pool.request("GET", env.url + "/redirect/3").status


@fails("urllib3.exceptions.ReadTimeoutError")
def urllib3_timeout(env):
    urllib3.PoolManager(retries=False).request(
        "GET", env.url + "/silent", timeout=Timeout(connect=5, read=0.1)
    )


@fails("urllib3.exceptions.NewConnectionError")
def urllib3_refused(env):
    urllib3.PoolManager(retries=False).request("GET", env.refused)


@snippet
def urllib3_reads_as_text_file(env):
    response = urllib3.PoolManager().request("GET", env.url + "/until-close", preload_content=False)
    response.auto_close = False
    return list(io.TextIOWrapper(response))


@snippet
def client_get(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("GET", "/echo", headers={"X-A": "b"})
    response = connection.getresponse()
    return [response.status, response.reason, response.version, json.loads(response.read())]


@snippet
def client_keeps_alive(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    got = []
    for number in range(3):
        connection.request("POST", "/echo", body=b"n%d" % number)
        got.append(json.loads(connection.getresponse().read())["body"])
    connection.close()
    return got


@snippet
def client_by_hand(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.putrequest("PUT", "/echo")
    connection.putheader("Content-Length", "6")
    connection.putheader("X-Folded", "a", "b")
    connection.endheaders()
    connection.send(b"abc")
    connection.send(io.BytesIO(b"def"))
    return json.loads(connection.getresponse().read())["body"]


@snippet
def client_sends_chunks(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("POST", "/echo", body=iter([b"one", b"two"]))
    return json.loads(connection.getresponse().read())["body"]


@snippet
def client_frames_its_own_chunks(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.putrequest("POST", "/echo")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for part in (b"3\r", b"\nabc", b"\r\n5\r\nde", b"fgh\r\n0\r\n", b"\r\n"):
        connection.send(part)
    return json.loads(connection.getresponse().read())["body"]


@snippet
def client_reads_chunks(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("GET", "/big-chunks")
    response = connection.getresponse()
    first = response.read(50)
    into = bytearray(200)
    return [response.chunked, len(first), response.readinto(into), len(response.read())]


@snippet
def client_reads_pieces(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("GET", "/big?kib=300")
    response = connection.getresponse()
    into = bytearray(70_000)
    sizes = [len(response.read(10)), response.readinto(into), len(response.peek(1)) > 0]
    return [
        *sizes,
        len(response.readline()),
        len(response.read(100_000)),
        len(response.read()),
        response.length,
    ]


@snippet
def client_reads_lines(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("GET", "/until-close")
    response = connection.getresponse()
    return [response.readline(5).decode(), [line.decode() for line in response], response.will_close]


@snippet
def client_head(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("HEAD", "/big?kib=1")
    response = connection.getresponse()
    return [response.length, response.getheader("content-length"), response.read().decode()]


@snippet
def client_headers(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("GET", "/same")
    response = connection.getresponse()
    listed = [list(pair) for pair in response.getheaders()]
    message = response.msg
    return [
        listed,
        response.getheader("X-Two"),
        message.get_all("x-two"),
        str(message),
        response.info().keys(),
    ]


@fails("http.client.ResponseNotReady")
def client_must_read_first(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)
    connection.request("GET", "/echo")
    connection.getresponse()
    connection.request("GET", "/echo")
    connection.getresponse()


@snippet
def client_tls(env):
    port = urllib.parse.urlsplit(env.tls).port
    connection = http.client.HTTPSConnection("localhost", port, context=ssl.create_default_context())
    connection.request("GET", "/echo")
    return json.loads(connection.getresponse().read())["method"]


@fails("builtins.ConnectionRefusedError")
def client_refused(env):
    port = urllib.parse.urlsplit(env.refused).port
    http.client.HTTPConnection("127.0.0.1", port).request("GET", "/")


@fails("builtins.TimeoutError")
def client_timeout(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port, timeout=0.1)
    connection.request("GET", "/silent")
    connection.getresponse()


@fails("http.client.IncompleteRead")
def client_truncated(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.request("GET", "/truncated")
    connection.getresponse().read()


@fails("http.client.IncompleteRead")
def client_chunks_truncated(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.request("GET", "/truncated-chunks")
    connection.getresponse().read()


@fails("http.client.RemoteDisconnected")
def client_server_closes(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.request("GET", "/drop")
    connection.getresponse()


@fails("http.client.BadStatusLine")
def client_garbage(env):
    connection = http.client.HTTPConnection("127.0.0.1", env.port)
    connection.request("GET", "/garbage")
    connection.getresponse()


@fails("http.client.InvalidURL")
def client_target_with_space(env):
    http.client.HTTPConnection("127.0.0.1", env.port).request("GET", "/a b")


@snippet
def urlopen(env):
    with urllib.request.urlopen(env.url + "/echo?a=1", timeout=5) as response:
        return [response.status, response.url, json.loads(response.read()), response.headers["Content-Type"]]


@snippet
def urlopen_request(env):
    request = urllib.request.Request(
        env.url + "/echo", data=b'{"a": 1}', headers={"Content-Type": "application/json"}, method="PUT"
    )
    return json.load(urllib.request.urlopen(request))


@snippet
def urlopen_error_body(env):
    try:
        urllib.request.urlopen(env.url + "/status/404")
    except urllib.error.HTTPError as error:
        return [error.code, error.reason, error.read().decode(), dict(error.headers)]


@snippet
def urlopen_redirect(env):
    with urllib.request.urlopen(env.url + "/redirect/2") as response:
        return response.url


@snippet
def urlopen_cookies(env):
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    body = json.load(opener.open(env.url + "/set-cookie"))
    return [body, sorted(cookie.name for cookie in jar)]


@snippet
def urlopen_context(env):
    with urllib.request.urlopen(env.tls + "/echo", context=ssl.create_default_context()) as response:
        return response.status


@fails("builtins.TimeoutError")
def urlopen_timeout(env):
    urllib.request.urlopen(env.url + "/silent", timeout=0.1)


@fails("urllib.error.URLError")
def urlopen_refused(env):
    urllib.request.urlopen(env.refused)


@fails("urllib.error.URLError")
def urlopen_name_unknown(env):
    urllib.request.urlopen("http://nowhere.invalid/")


@fails("urllib.error.URLError")
def urlopen_untrusted(env):
    urllib.request.urlopen(env.untrusted + "/echo")


@snippet
def urlopen_basic_auth(env):
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, env.url, "user", "pass")
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
    return opener.open(env.url + "/basic").read().decode()
