"""The REST service of the package ``fivetran-api-playground``, as it is, on a free port.

Prints the port and serves until it is ended. The package's own command would look for a newer
version of itself first, and start a second process that outlives it.
"""

import random

# its times, so that two runs page alike
random.seed(7)

from fivetran_api_playground import app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
