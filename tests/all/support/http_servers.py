"""The servers of the snippets: ``http_servers.py FOLDER GOOD ALONE`` prints where they are and serves.

`FOLDER` holds `http_server.py`; `GOOD` and `ALONE` are certificates with their keys.
"""

import json
import socket
import sys
import threading

sys.path.insert(0, sys.argv[1])

from http_server import Server

plain, trusted, untrusted = Server(), Server(sys.argv[2]), Server(sys.argv[3])
with socket.socket() as closed:
    # bound and never listening: connecting is refused, and nobody else gets the port
    closed.bind(("127.0.0.1", 0))
    env = {
        "url": f"http://127.0.0.1:{plain.port}",
        "tls": f"https://localhost:{trusted.port}",
        "untrusted": f"https://localhost:{untrusted.port}",
        "refused": f"http://127.0.0.1:{closed.getsockname()[1]}/",
        "port": plain.port,
    }
    print(json.dumps(env), flush=True)
    threading.Event().wait()
