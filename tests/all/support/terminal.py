"""Runs a command at a terminal of its own: terminal.py <seconds> <lines to type, as JSON> <command...>.

Prints what the terminal showed, and exits as the command did.
"""

import json
import os
import pty
import select
import sys
import time

seconds, lines, command = float(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
process, terminal = pty.fork()
if process == 0:
    os.execvp(command[0], command)

shown, deadline = b"", time.monotonic() + seconds
while time.monotonic() < deadline:
    # a prompt ends with a blank, and nothing else that is shown here does
    ready, _, _ = select.select([terminal], [], [], 0.2)
    if ready:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    elif shown.endswith(b": ") and lines:
        os.write(terminal, lines.pop(0).encode() + b"\n")
        shown += b"<typed>"

sys.stdout.write(shown.decode("utf-8", "replace"))
sys.stdout.flush()
_, status = os.waitpid(process, 0)
sys.exit(os.waitstatus_to_exitcode(status))
