"""What connectors do with threads; each mode sends what it saw as rows, in the order it happened."""

import concurrent.futures
import queue
import threading
import time

import requests
from fivetran_connector_sdk import Operations as op


def pool(configuration, state):
    local = threading.local()

    def prepare():
        local.session = requests.Session()

    def fetch(n):
        return n, local.session.get(f"{configuration['url']}/{n}", timeout=30).text

    with concurrent.futures.ThreadPoolExecutor(4, initializer=prepare) as executor:
        for n, text in executor.map(fetch, range(8)):
            op.upsert("pages", {"n": n, "text": text})
        futures = {executor.submit(fetch, n): n for n in range(8, 12)}
        for future in concurrent.futures.as_completed(futures):
            op.upsert("pages", {"n": futures[future], "text": future.result()[1]})
        failing = executor.submit(fetch, "denied") if configuration.get("fail") else None
    if failing:
        failing.result()


def producer_and_consumer(configuration, state):
    rows = queue.Queue(maxsize=3)

    def land():
        for row in iter(rows.get, None):
            op.upsert("rows", row)

    consumer = threading.Thread(target=land, name="landing")
    consumer.start()
    for n in range(10):
        rows.put({"n": n, "thread": consumer.name})
        time.sleep(0.001)
    rows.put(None)
    consumer.join()
    op.checkpoint({"landed": 10})


def threads_at_the_end(configuration, state):
    """Nobody waits for them."""
    threading.Thread(target=op.upsert, args=("rows", {"n": 1})).start()
    threading.Timer(0.05, op.upsert, ("rows", {"n": 2})).start()


def deadlock(configuration, state):
    op.upsert("rows", {"n": 1})
    op.checkpoint({"begun": True})
    work = queue.Queue()

    def worker():
        while work.get() is not None:
            work.task_done()

    thread = threading.Thread(target=worker, name="worker")
    thread.start()
    work.put(1)
    work.join()
    work.put(None)
    thread.join()


MODES = {f.__name__: f for f in (pool, producer_and_consumer, threads_at_the_end, deadlock)}
