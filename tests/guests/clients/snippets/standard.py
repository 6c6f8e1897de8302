"""`http.client` and `urllib.request`."""

from __future__ import annotations

import http.client
import http.cookiejar
import io
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

from snippets import fails, kinds, snippet


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
