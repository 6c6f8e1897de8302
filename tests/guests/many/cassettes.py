"""Everything that a recording must keep, and everything that a replay must make the same again."""

import datetime
import os
import random
import time
import uuid

import requests
from fivetran_connector_sdk import Operations as op


def taped(configuration, state):
    """A sync of many kinds of requests: a login, pages, a redirect, compressed and binary bodies, errors."""
    base, session = configuration["url"], requests.Session()
    login = session.post(f"{base}/login", data={"client_secret": configuration["client_secret"]}, timeout=10)
    session.headers["Authorization"] = "Bearer " + login.json()["access_token"]
    page = f"{base}/pages?page=1&api_key={configuration['api_key']}"
    while page:
        answer = session.get(page, timeout=10).json()
        for row in answer["rows"]:
            op.upsert("rows", row)
        page = answer["next"]
    for path in (
        "moved",
        "squeezed",
        "binary",
        "missing",
        "repeated",
        "repeated",
        configuration["path_secret"],
    ):
        answer = session.get(f"{base}/{path}", timeout=10)
        op.upsert("answers", {"path": path, "status": answer.status_code, "body": answer.content.hex()})
        op.upsert("urls", {"url": answer.url, "cookie": session.cookies.get("sid", "none")})
    echo = session.post(
        f"{base}/echo", json={"query": "ü", "token": configuration["client_secret"]}, timeout=10
    )
    op.upsert("answers", {"path": "echo", "status": echo.status_code, "body": echo.text})
    try:
        requests.get(configuration["nobody"], timeout=10)
    except requests.RequestException as error:
        op.upsert("answers", {"path": "nobody", "status": 0, "body": type(error).__name__})
    op.checkpoint({"pages": 2})
    chance(configuration, state)


def chance(configuration, state):
    """What changes from sync to sync, unless the sync is a replay."""
    started, ticks = time.time(), time.monotonic()
    if "sleep" in configuration:
        time.sleep(float(configuration["sleep"]))
        time.sleep(float(configuration["sleep"]))
    with open("fresh.txt", "w") as file:
        file.write("x")
    # st_mtime is a float, which rounds
    since = datetime.timedelta(microseconds=os.stat("fresh.txt").st_mtime_ns // 1000)
    written = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + since
    op.upsert(
        "chance",
        {
            "id": 1,
            "written": written.isoformat(),
            "replay": os.environ.get("SLUICE_REPLAY", "no"),
            "time": repr(started),
            "moved": repr(time.time() - started),
            "waited": repr(round(time.monotonic() - ticks, 3)),
            "today": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "local": datetime.datetime.now().isoformat(),
            "random": repr(random.random()),
            "uuid": str(uuid.uuid4()),
            "set": ",".join({"a", "b", "c", "d", "e", "f"}),
        },
    )


def asking(configuration, state):
    """One request for each of the URLs; what cannot be had ends the sync unless it is to be caught."""
    secure = "insecure" not in configuration
    own = None if secure else ("certificate.pem", "key.pem")
    for number, url in enumerate(configuration["urls"].split()):
        try:
            answer = requests.get(url, timeout=10, verify=secure, cert=own)
            op.upsert("answers", {"id": number, "status": answer.status_code, "body": answer.text})
        except requests.ConnectionError as error:
            if "catch" not in configuration:
                raise
            op.upsert("answers", {"id": number, "status": 0, "body": str(error)})


DECLARATIONS = {
    "taped": [
        {"table": "rows", "primary_key": ["id"]},
        {"table": "answers", "primary_key": ["path"]},
        {"table": "urls", "primary_key": ["url"]},
        {"table": "chance", "primary_key": ["id"]},
    ],
    "chance": [{"table": "chance", "primary_key": ["id"]}],
    "asking": [{"table": "answers", "primary_key": ["id"]}],
}

MODES = {"taped": taped, "chance": chance, "asking": asking}
