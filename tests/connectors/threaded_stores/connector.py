"""Many stores, fetched by a pool of threads with a session each."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import Queue

import requests
from fivetran_connector_sdk import Connector
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

local = threading.local()
lock = threading.Lock()
seen = 0


def session():
    if not hasattr(local, "session"):
        local.session = requests.Session()
    return local.session


def fetch(store):
    global seen
    answer = session().get(f"https://stores.example.com/stores/{store}/stock", timeout=10)
    answer.raise_for_status()
    with lock:
        seen += 1
    return answer.json()


def update(configuration, state):
    stores = [int(store) for store in configuration["stores"].split(",")]
    with ThreadPoolExecutor(max_workers=4) as pool:
        futures = {pool.submit(fetch, store): store for store in stores}
        for future in as_completed(futures):
            try:
                op.upsert("stock", {"store": futures[future], **future.result()})
            except requests.HTTPError as error:
                log.warning(f"store {futures[future]}: {error.response.status_code}")
    work, done = Queue(), Queue()

    def worker():
        while (number := work.get()) is not None:
            done.put((number, number**2))

    for number in (3, 1, 2):
        work.put(number)
    work.put(None)
    thread = threading.Thread(target=worker, name="squares")
    thread.start()
    thread.join(timeout=30)
    while not done.empty():
        number, square = done.get()
        op.upsert("square", {"number": number, "square": square})
    op.checkpoint({"seen": seen})


connector = Connector(
    update=update,
    schema=lambda c: [
        {"table": "stock", "primary_key": ["store"]},
        {"table": "square", "primary_key": ["number"]},
    ],
)
