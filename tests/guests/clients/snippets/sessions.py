"""Sessions of `requests`: redirects, cookies, credentials, hooks and adapters."""

from __future__ import annotations

import io
import pickle

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPDigestAuth

from snippets import fails, kinds, shown, snippet


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
