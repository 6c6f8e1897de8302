"""What `requests` sends."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import requests
import urllib3

from snippets import fails, kinds, shown, snippet


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
def header_sent_latin(env):
    return requests.get(env.url + "/echo", headers={"X-In": "é".encode("latin-1")}).json()


@fails("requests.exceptions.InvalidHeader")
def header_bad(env):
    requests.get(env.url + "/echo", headers={"X-In": "a\r\nX-Smuggled: 1"})


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
