"""More of what connectors do with `requests`, `urllib3` and the standard library."""

import http.client
import io
import json
import pickle
import re
import urllib.error
import urllib.parse
import urllib.request

import requests
import urllib3
from http_snippets import fails, session, shown, snippet
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry, Timeout


def kinds(*calls):
    """What each call raises."""
    found = []
    for call in calls:
        try:
            found.append(re.sub(" at 0x[0-9a-f]+", "", repr(call())))
        except Exception as error:
            found.append(f"{type(error).__module__}.{type(error).__name__}")
    return found


@snippet
def truth_of_responses(env):
    answers = [requests.get(f"{env.url}/status/{code}") for code in (200, 204, 400, 500)]
    return [[bool(answer), answer.ok, answer.is_redirect, answer.is_permanent_redirect] for answer in answers]


@snippet
def status_errors_carry_their_response(env):
    try:
        requests.get(env.url + "/status/418").raise_for_status()
    except requests.HTTPError as error:
        text = str(error).replace(env.url, "")
        return [text, error.response.status_code, error.response.text, error.request.method]


@snippet
def server_errors_say_so(env):
    try:
        requests.post(env.url + "/status/503").raise_for_status()
    except requests.HTTPError as error:
        return str(error).replace(env.url, "")


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


@fails("requests.exceptions.JSONDecodeError")
def json_of_text(env):
    requests.get(env.url + "/status/200").json()


@snippet
def json_errors_are_value_errors(env):
    try:
        requests.get(env.url + "/status/204").json()
    except ValueError as error:
        return [isinstance(error, json.JSONDecodeError), error.pos, error.doc, str(error)]


@snippet
def json_in_other_encodings(env):
    value = {"a": "ü€"}
    found = []
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32-be"):
        body = json.dumps(value, ensure_ascii=False).encode(encoding).hex()
        found += kinds(requests.get(env.url + "/text", params={"hex": body}).json)
    return found


@snippet
def json_with_numbers(env):
    body = b'{"big": 123456789012345678901, "float": 1e-7, "nan": NaN}'.hex()
    return repr(requests.get(env.url + "/text", params={"hex": body}).json())


@snippet
def encodings_of_text(env):
    def get(body, kind=None):
        answer = requests.get(
            env.url + "/text", params={"hex": body.hex(), **({"type": kind} if kind else {})}
        )
        return [answer.encoding, answer.apparent_encoding.lower().replace("_", "-"), answer.text]

    return [
        get("grüße".encode(), "text/plain"),
        get("grüße".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        get("grüße".encode(), 'text/html; charset="utf-8"'),
        get(b"plain", "application/octet-stream"),
        get(b"plain", "text/plain; charset=nonsense"),
        get("grüße".encode(), "application/json"),
        get(b""),
    ]


@snippet
def encoding_can_be_set(env):
    answer = requests.get(
        env.url + "/text", params={"hex": "grüße".encode("cp1252").hex(), "type": "text/plain"}
    )
    answer.encoding = "cp1252"
    return answer.text


@snippet
def urls_that_cannot_be(env):
    urls = [
        "",
        "http://",
        "http:///x",
        "http://*.test/",
        "http://.a/",
        "http://[::1",
        "http://a b/",
        "a.test",
        "//a.test/",
    ]
    return kinds(*(lambda url=url: requests.get(url) for url in urls))


@snippet
def schemes_that_nobody_serves(env):
    return kinds(
        *(
            lambda url=url: requests.get(url)
            for url in ("ftp://a.test/x", "file:///etc/passwd", "mailto:a@b", "localhost:1/x")
        )
    )


@snippet
def urls_are_encoded(env):
    paths = [
        "/echo/ü ö",
        "/echo/%7Ea/%zz",
        "/echo/a%2Fb",
        "/echo?q=ü&x=a b",
        "/echo/a/../b",
        "/echo/;p'?x=\"<>&$f(),*!",
    ]
    return [
        [(answer := requests.get(env.url + path)).json()["path"], answer.url.replace(env.url, "")]
        for path in paths
    ]


@snippet
def params_of_every_kind(env):
    many = [
        {"a": None, "b": ""},
        [("a", "1"), ("a", "2")],
        "raw=1&x",
        b"bytes=1",
        {"l": ["x", "y"], "n": 1.5, "t": True},
    ]
    return [requests.get(env.url + "/echo", params=params).json()["path"] for params in many]


@snippet
def hooks(env):
    seen = []

    def note(answer, *args, **kwargs):
        seen.append([answer.status_code, sorted(kwargs)])

    def replace(answer, *args, **kwargs):
        answer.reason = "Replaced"
        return answer

    with requests.Session() as made:
        made.hooks["response"].append(note)
        answer = made.get(env.url + "/redirect/1", hooks={"response": [replace]})
    return [seen, answer.reason, answer.history[0].reason]


@fails("builtins.ZeroDivisionError")
def hooks_that_fail(env):
    requests.get(env.url + "/echo", hooks={"response": lambda *_, **__: 1 / 0})


@snippet
def prepared_requests(env):
    with requests.Session() as made:
        made.headers["X-Of-Session"] = "1"
        bare = requests.Request("POST", env.url + "/echo", data="a=1", headers={"X-Own": "2"}).prepare()
        merged = made.prepare_request(requests.Request("PUT", env.url + "/echo", json=[1], params={"p": 1}))
        merged.headers["X-Late"] = "3"
        copied = merged.copy()
        copied.prepare_method("PATCH")
        return [made.send(each, timeout=5).json() for each in (bare, merged, copied)]


@snippet
def session_defaults(env):
    with requests.Session() as made:
        made.params = {"key": "k"}
        made.headers.update({"Accept": "application/json", "X-Gone": "x"})
        made.auth = ("user", "pass")
        made.cookies.set("c", "1")
        given = {"X-Gone": None, "accept": "text/plain"}
        return [
            made.get(env.url + "/echo", headers=given, params={"own": 1}).json(),
            made.get(env.url + "/basic").text,
        ]


@snippet
def session_after_close(env):
    made = requests.Session()
    first = made.get(env.url + "/echo").status_code
    made.close()
    return [first, made.get(env.url + "/echo").status_code]


class Token(AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = "Bearer token"
        return request


@snippet
def auth_of_ones_own(env):
    both = [Token(), lambda request: Token()(request)]
    return [requests.get(env.url + "/echo", auth=auth).json()["headers"] for auth in both]


@snippet
def cookies_of_every_kind(env):
    made = requests.Session()
    first = made.get(env.url + "/cookies", cookies={"only": "once"}).text
    second = made.get(env.url + "/cookies").text
    jar = requests.cookies.RequestsCookieJar()
    jar.set("elsewhere", "1", domain="other.test")
    jar.set("here", "1", domain="127.0.0.1", path="/cookies")
    third = requests.get(env.url + "/cookies", cookies=jar)
    return [first, second, third.text, sorted(third.cookies.get_dict().items()), made.cookies.get("a")]


@snippet
def cookies_can_be_forgotten(env):
    made = requests.Session()
    made.get(env.url + "/cookies")
    made.cookies.clear()
    return made.get(env.url + "/cookies").text


@fails("requests.exceptions.TooManyRedirects")
def redirects_without_end(env):
    requests.get(env.url + "/loop")


@snippet
def redirects_that_keep_the_body(env):
    found = []
    for status in (301, 302, 303, 307, 308):
        target = {"url": "/echo?x#frag", "status": status}
        answer = requests.post(env.url + "/to", params=target, data="kept")
        found.append([answer.json()["method"], answer.json()["body"], answer.url.replace(env.url, "")])
    return found


@snippet
def redirects_keep_the_method(env):
    target = {"url": "/echo", "status": 302}
    return [
        requests.request(name, env.url + "/to", params=target).json()["method"]
        for name in ("PUT", "DELETE", "PATCH")
    ]


@snippet
def redirect_to_tls(env):
    return shown(requests.get(env.url + "/to", params={"url": env.tls + "/status/200"}))[:4] != []


@snippet
def redirects_that_lead_nowhere(env):
    urls = ["http://", "ftp://a.test/", "http://[", env.refused]
    return kinds(*(lambda url=url: requests.get(env.url + "/to", params={"url": url}) for url in urls))


@snippet
def head_does_not_follow(env):
    return [
        requests.head(env.url + "/redirect/1").status_code,
        requests.head(env.url + "/redirect/1", allow_redirects=True).url[-5:],
    ]


@snippet
def server_sent_events(env):
    with requests.get(env.url + "/events", stream=True, headers={"Accept": "text/event-stream"}) as answer:
        return [answer.encoding, list(answer.iter_lines(decode_unicode=True)), answer.headers["content-type"]]


@snippet
def lines_with_a_delimiter(env):
    body = b"a;b\r\nc;;d".hex()
    with requests.get(env.url + "/text", params={"hex": body}, stream=True) as answer:
        return [part.decode() for part in answer.iter_lines(chunk_size=2, delimiter=b";")]


@snippet
def text_in_pieces(env):
    body = ("grüße " * 100).encode()
    answer = requests.get(
        env.url + "/text", params={"hex": body.hex(), "type": "text/plain; charset=utf-8"}, stream=True
    )
    return "".join(answer.iter_content(7, decode_unicode=True)) == body.decode()


@snippet
def content_comes_once(env):
    answer = requests.get(env.url + "/echo", stream=True)
    first = next(answer.iter_content(5)).decode()
    return [
        first,
        *kinds(
            lambda: answer.content,
            lambda: list(answer.iter_content(5)),
            lambda: list(answer.iter_content("x")),
        ),
    ]


@snippet
def content_can_be_read_again(env):
    answer = requests.get(env.url + "/echo")
    return [
        answer.content == answer.content,
        b"".join(answer.iter_content(10)) == answer.content,
        answer.raw.read().decode(),
    ]


@snippet
def raw_can_be_unpacked(env):
    answer = requests.get(env.url + "/gzip-chunks", stream=True)
    answer.raw.decode_content = True
    return len(io.BytesIO(answer.raw.read()).getvalue())


@snippet
def packed_chunks_in_pieces(env):
    return sum(map(len, requests.get(env.url + "/gzip-chunks", stream=True).iter_content(1000)))


@fails("requests.exceptions.ContentDecodingError")
def packed_badly(env):
    requests.get(env.url + "/bad-gzip")


@snippet
def chunk_extensions_and_trailers(env):
    return shown(requests.get(env.url + "/chunk-extension"))


@snippet
def multipart(env):
    files = [
        ("one", ("a.txt", b"first", "text/plain", {"X-Part": "1"})),
        ("two", ("ü.bin", io.BytesIO(b"second"))),
        ("three", "just text"),
    ]
    answer = requests.post(env.url + "/echo", files=files, data={"field": "value", "list": ["a", "b"]}).json()
    kind = dict(answer["headers"])["content-type"]
    boundary = re.fullmatch("multipart/form-data; boundary=([0-9a-f]{32})", kind)[1]
    return answer["body"].replace(boundary, "BOUNDARY")


@snippet
def bodies_of_every_kind(env):
    many = [
        b"",
        "",
        "ü",
        [("a", "1"), ("a", "2")],
        {"a": None, "b": [1, 2]},
        bytearray(b"abc"),
        io.StringIO("text"),
        iter([b"x", b"", b"y"]),
    ]
    found = []
    for body in many:
        answer = requests.put(env.url + "/echo", data=body).json()
        found.append([answer["body"], answer["size"], dict(answer["headers"]).get("content-type")])
    return found


@snippet
def json_bodies(env):
    answers = [
        requests.post(env.url + "/echo", json=value).json() for value in ({}, [], 0, "ü", None, {"a": 1.0})
    ]
    return [[answer["body"], dict(answer["headers"]).get("content-type")] for answer in answers]


@fails("requests.exceptions.InvalidJSONError")
def json_that_is_none(env):
    requests.post(env.url + "/echo", json={"nan": float("nan")})


@snippet
def delete_with_a_body(env):
    return requests.delete(env.url + "/echo", json={"ids": [1, 2]}).json()


@snippet
def headers_that_are_refused(env):
    many = [
        {"X": "a\nb"},
        {"X": 1},
        {" X": "a"},
        {"X:": "a"},
        {"X": " a"},
        {"": "a"},
        {b"X": "a"},
        {"X": "ключ"},
    ]
    return kinds(
        *(lambda headers=headers: requests.get(env.url + "/echo", headers=headers) for headers in many)
    )


@snippet
def headers_of_a_request(env):
    headers = {
        "User-Agent": "mine/1",
        "accept": "a/b",
        "ACCEPT-ENCODING": "identity",
        "X-Empty": "",
        "X-Tab": "a\tb",
    }
    return requests.get(env.url + "/echo", headers=headers).json()["headers"]


@snippet
def headers_of_a_response(env):
    answer = requests.get(env.url + "/echo")
    names = [answer.headers.get(name) for name in ("content-type", "CONTENT-TYPE", "X-None")]
    return [names, "Content-Length" in answer.headers, sorted(answer.headers)]


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


class Marking(HTTPAdapter):
    def add_headers(self, request, **kwargs):
        request.headers["X-Adapter"] = "mine"

    def send(self, request, **kwargs):
        kwargs["timeout"] = kwargs.get("timeout") or 5
        return super().send(request, **kwargs)

    def build_response(self, request, answer):
        made = super().build_response(request, answer)
        made.marked = True
        return made


@snippet
def adapters_of_ones_own(env):
    made = requests.Session()
    made.mount(env.url + "/echo", Marking(pool_connections=1, pool_maxsize=1, pool_block=True))
    marked, plain = made.get(env.url + "/echo/x"), made.get(env.url + "/status/200")
    return [
        marked.json()["headers"],
        marked.marked,
        hasattr(plain, "marked"),
        type(made.get_adapter(env.url + "/echo")).__name__,
    ]


@snippet
def adapter_without_network(env):
    class Canned(requests.adapters.BaseAdapter):
        def send(self, request, **kwargs):
            made = requests.Response()
            made.status_code, made.url, made.request, made._content = 200, request.url, request, b"canned"
            made.raw = io.BytesIO()
            return made

        def close(self): ...

    made = requests.Session()
    made.mount("canned://", Canned())
    return made.get("canned://x/").text


@snippet
def sessions_and_responses_can_be_pickled(env):
    made = requests.Session()
    answer = pickle.loads(pickle.dumps(made.get(env.url + "/cookies")))
    again = pickle.loads(pickle.dumps(made)).get(env.url + "/cookies")
    return [shown(answer), again.text]


@snippet
def answers_know_their_way(env):
    answer = requests.get(env.url + "/redirect/2")
    return [
        answer.raw.version,
        answer.raw.status,
        answer.request.path_url,
        answer.connection is not None,
        answer.elapsed.total_seconds() > 0,
    ]


@snippet
def one_connection_for_two_streams(env):
    with requests.Session() as made:
        first = made.get(env.url + "/big?kib=500", stream=True)
        second = made.get(env.url + "/big?kib=300", stream=True)
        sizes = [len(first.raw.read(1000)), len(second.content), len(first.raw.read())]
        return [*sizes, made.get(env.url + "/echo").status_code]


@snippet
def urllib3_at_the_top(env):
    answer = urllib3.request("POST", env.url + "/echo", json={"a": 1}, retries=2, timeout=5)
    return [answer.status, answer.json()["body"], answer.headers["content-type"], answer.data == answer.data]


@snippet
def urllib3_pool_of_a_host(env):
    with urllib3.HTTPConnectionPool(
        "127.0.0.1", env.port, maxsize=1, block=True, headers={"X-Pool": "1"}
    ) as pool:
        answers = [
            pool.urlopen("GET", "/echo"),
            pool.request("POST", "/echo", body="text"),
            pool.request("GET", "/redirect/1"),
        ]
        return [[json.loads(answer.data) for answer in answers], pool.num_connections, pool.num_requests]


@snippet
def urllib3_headers(env):
    headers = urllib3.HTTPHeaderDict({"X-A": "1"})
    headers.add("X-A", "2")
    answer = urllib3.PoolManager().request("GET", env.url + "/echo", headers=headers)
    made = urllib3.make_headers(basic_auth="a:b", user_agent="u", accept_encoding=True, keep_alive=True)
    return [
        answer.json()["headers"],
        urllib3.PoolManager().request("GET", env.url + "/echo", headers=made).json()["headers"][1:],
    ]


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
def urllib3_partial_reads(env):
    answer = urllib3.PoolManager().request("GET", env.url + "/gzip-chunks", preload_content=False)
    sizes = [len(answer.read(10)), len(answer.read1(1000)) > 0, len(answer.read(100_000)) > 0]
    answer.drain_conn()
    answer.release_conn()
    return [*sizes, answer.closed]


@snippet
def client_errors(env):
    def made():
        return http.client.HTTPConnection("127.0.0.1", env.port, timeout=5)

    def twice():
        connection = made()
        connection.request("GET", "/echo")
        connection.request("GET", "/echo")

    return kinds(
        lambda: made().getresponse(),
        twice,
        lambda: made().request("GET", "/echo", headers={"X": "a\nb"}),
        lambda: http.client.HTTPConnection("127.0.0.1", "port"),
        lambda: made().send(b"x") or made().putheader("a", "b"),
    )


@snippet
def client_of_tls(env):
    port = urllib.parse.urlsplit(env.tls).port
    connection = http.client.HTTPSConnection("localhost", port, timeout=5)
    connection.request(
        "POST", "/echo", body="a=1", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    return json.loads(connection.getresponse().read())["body"]


@snippet
def urlopen_post(env):
    data = urllib.parse.urlencode({"a": "ü", "b": 1}).encode()
    with urllib.request.urlopen(env.url + "/echo", data, timeout=5) as answer:
        return [json.load(answer), answer.getcode(), answer.geturl()]


@snippet
def urlopen_with_an_opener(env):
    opener = urllib.request.build_opener()
    opener.addheaders = [("User-Agent", "mine"), ("X-B", "c")]
    request = urllib.request.Request(env.url + "/echo", headers={"X-A": "b"}, method="DELETE")
    request.add_header("X-c", "d")
    return json.load(opener.open(request))


@snippet
def urlopen_lines(env):
    with urllib.request.urlopen(env.url + "/until-close") as answer:
        return [line.decode() for line in answer]


@snippet
def urlopen_errors(env):
    return kinds(
        lambda: urllib.request.urlopen(env.url + "/status/500"),
        lambda: urllib.request.urlopen(env.url + "/loop"),
        lambda: urllib.request.urlopen("unknown://a.test/"),
        lambda: urllib.request.urlopen("no url"),
        lambda: urllib.request.urlopen(env.url + "/drop"),
        lambda: urllib.request.urlopen(env.url + "/truncated").read(),
        lambda: urllib.request.urlopen(env.url + "/a b"),
    )


@snippet
def urlretrieve_to_a_file(env):
    path, headers = urllib.request.urlretrieve(env.url + "/big?kib=20")
    with open(path, "rb") as file:
        return [len(file.read()), headers["Content-Length"]]


# Where the two sides differ on purpose ----------------------------------------------


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
