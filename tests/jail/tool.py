"""What a build tool tries that is in a stranger's hands: native code with the rights of whoever builds."""

import os
import socket
import subprocess
import sys

planted, outside, port, stage, ppid = sys.argv[1:]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path):
    with open(path, "wb") as file:
        file.write(b"planted")


def connect():
    socket.create_connection(("127.0.0.1", int(port)), timeout=5)


def fork():
    if os.fork() == 0:
        os._exit(0)


ATTEMPTS = {
    "read a key in the home": lambda: read(planted),
    "list the home": lambda: os.listdir(os.path.dirname(planted)),
    "read /etc/passwd": lambda: read("/etc/passwd"),
    "read the builder's environment": lambda: read(f"/proc/{ppid}/environ"),
    "leave the stage through a link": lambda: (
        os.symlink(planted, f"{stage}/link"),
        read(f"{stage}/link"),
    ),
    "leave the stage through the process": lambda: read(f"/proc/self/root{planted}"),
    "write outside": lambda: write(outside),
    "write a key in the home": lambda: write(planted),
    "remove it": lambda: os.remove(planted),
    "take it into the stage": lambda: os.rename(planted, f"{stage}/key"),
    "link it into the stage": lambda: os.link(planted, f"{stage}/hard"),
    "open its access": lambda: os.chmod(outside, 0o777) if os.path.exists(outside) else read(outside),
    "connect": connect,
    "a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "a socket of this machine": lambda: socket.socket(socket.AF_UNIX),
    "signal the builder": lambda: os.kill(int(ppid), 0),
    "start a program of the home": lambda: subprocess.run([outside + ".sh"], check=True),
    "make a device": lambda: os.mkfifo(f"{stage}/fifo"),
    "a root of its own": lambda: os.chroot(stage),
    "read a secret of the environment": lambda: os.environ["TOP_SECRET"],
}

for name, attempt in ATTEMPTS.items():
    try:
        attempt()
    except (OSError, KeyError):
        print(f"{name}: refused")
    else:
        print(f"{name}: DONE")
write(f"{stage}/made")
print("write into the stage: done")
# Python sets one itself.
print("variables:", sorted(set(os.environ) - {"LC_CTYPE"}))
