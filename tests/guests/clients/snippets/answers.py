"""What `requests` makes of an answer."""

from __future__ import annotations

import json

import requests

from snippets import fails, kinds, shown, snippet


@snippet
def head(env):
    response = requests.head(env.url + "/big?kib=10")
    return [response.status_code, dict(response.headers), response.content.hex()]


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
def headers_latin(env):
    response = requests.get(env.url + "/latin", headers={"X-In": "é".encode("latin-1")})
    return response.headers["x-name"]


@snippet
def headers_twice(env):
    response = requests.get(env.url + "/twice")
    listed = [list(pair) for pair in response.raw.headers.items()]
    return [dict(response.headers), listed, response.raw.headers.getlist("x-two"), response.links]


@snippet
def interim_response(env):
    return shown(requests.get(env.url + "/interim"))


@snippet
def charset(env):
    return shown(requests.get(env.url + "/charset"))


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
def headers_of_a_response(env):
    answer = requests.get(env.url + "/echo")
    names = [answer.headers.get(name) for name in ("content-type", "CONTENT-TYPE", "X-None")]
    return [names, "Content-Length" in answer.headers, sorted(answer.headers)]


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
