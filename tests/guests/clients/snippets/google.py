"""What connectors do with httplib2, which is under Google's API client."""

import httplib2

from snippets import fails, snippet


def client(**settings):
    return httplib2.Http(timeout=5, **settings)


@snippet
def httplib2_gets(env):
    head, body = client().request(env.url + "/echo?a=1", headers={"X-A": "b"})
    return [head.status, head.reason, head["content-type"], len(body) > 10]


@snippet
def httplib2_posts(env):
    head, body = client().request(env.url + "/echo", "POST", body="a=1")
    return [head.status, b"a=1" in body]


@snippet
def httplib2_keeps_its_connection(env):
    kept = client()
    return [kept.request(env.url + f"/echo?n={n}")[0].status for n in range(3)] + [len(kept.connections)]


@snippet
def httplib2_follows(env):
    head, _ = client().request(env.url + "/redirect/3")
    return [head.status, head.previous.status, head["content-location"].endswith("/echo")]


@snippet
def httplib2_unpacks(env):
    head, body = client().request(env.url + "/gzip")
    return [head.status, len(body) > 0, head.get("-content-encoding")]


@snippet
def httplib2_over_tls(env):
    return client().request(env.tls + "/echo")[0].status


@fails("ConnectionRefusedError")
def httplib2_refused(env):
    client().request(env.refused)


@fails("SSLCertVerificationError")
def httplib2_untrusted(env):
    client().request(env.untrusted + "/echo")


@fails("RedirectLimit")
def httplib2_stops_following(env):
    client().request(env.url + "/redirect/9")


@fails("TimeoutError")
def httplib2_silence(env):
    httplib2.Http(timeout=0.3).request(env.url + "/silent")
