"""HTTP as ``measure_http.py`` measures it; ``configuration["work"]`` says what."""

import requests
import work
from fivetran_connector_sdk import Connector, Logging as log, Operations as op

def profiled(function, *arguments):
    import cProfile, pstats, io
    p = cProfile.Profile()
    r = p.runcall(function, *arguments)
    s = io.StringIO()
    pstats.Stats(p, stream=s).sort_stats("tottime").print_stats(45)
    for l in s.getvalue().splitlines(): log.info(l)
    return r

def update(configuration, state):
    kind, url, count = configuration["work"], configuration["url"], int(configuration["count"])
    if kind == "rows":
        import time
        t = [0.0,0.0,0.0,0.0]
        with requests.Session() as session:
            for number in range(count):
                a = time.perf_counter()
                r = session.get(f"{url}/{number}", timeout=30)
                b = time.perf_counter()
                data = r.json()["data"]
                c = time.perf_counter()
                for row in data:
                    op.upsert("items", row)
                d = time.perf_counter()
                op.checkpoint({"page": number})
                e = time.perf_counter()
                t[0]+=b-a; t[1]+=c-b; t[2]+=d-c; t[3]+=e-d
            log.info(str(t))
        return
        with requests.Session() as session:
            for number in range(count):
                for row in session.get(f"{url}/{number}", timeout=30).json()["data"]:
                    op.upsert("items", row)
                op.checkpoint({"page": number})
        return
    if configuration.get("profile"):
        profiled(getattr(work, kind), url, count)
        return
    log.info(f"seconds {getattr(work, kind)(url, count)}")


def schema(configuration):
    return [{"table": "items", "primary_key": ["id"]}]


connector = Connector(update=update, schema=schema)
