"""The build of a package in a stranger's hands: code that pip runs where it was allowed to build source."""

import os
import socket
import subprocess
import zipfile

NAME = "sluice_hostile_source"
METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n"
PLANTED, OUTSIDE, AGENT, PIPS_CACHE, NETRC, PORT = (
    "@planted",
    "@outside",
    "@agent",
    "@cache",
    "@netrc",
    "@port",
)
OWN = os.environ["TMPDIR"]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path):
    with open(path, "wb") as file:
        file.write(b"planted")


def agent():
    socket.socket(socket.AF_UNIX).connect(AGENT)


def connect():
    socket.create_connection(("127.0.0.1", int(PORT)), timeout=5)


def linked():
    os.symlink(PLANTED, "link")
    return read("link")


ATTEMPTS = {
    "read a key in the home": lambda: read(PLANTED),
    "list the home": lambda: os.listdir(os.path.dirname(PLANTED)),
    "read /etc/passwd": lambda: read("/etc/passwd"),
    "read it through a link": linked,
    "write a key in the home": lambda: write(PLANTED),
    "remove it": lambda: os.remove(PLANTED),
    "write outside": lambda: write(OUTSIDE),
    "write into the folder around": lambda: write(f"{os.path.dirname(OUTSIDE)}/beside"),
    "write into pip's downloads": lambda: write(f"{PIPS_CACHE}/planted"),
    "write where pip is told what to do": lambda: write(f"{OWN}/../../../guest_pip.py"),
    "write where the next call will be": lambda: write(f"{OWN}/../../../../planted"),
    "write among what pip makes": lambda: write(f"{OWN}/../planted"),
    "list what pip makes": lambda: os.listdir(f"{OWN}/.."),
    "read the credentials of the index": lambda: read(NETRC),
    "read those in pip's environment": lambda: read(f"/proc/{os.getppid()}/environ"),
    "read those in its own": lambda: os.environ["PIP_EXTRA_INDEX_URL"],
    "connect": connect,
    # Its own jail alone would allow it; the one around, which holds pip too, knows only pip's process.
    "read what the system says of it": lambda: read("/proc/self/status"),
    "a datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "ask the agent with the keys": agent,
    "listen": lambda: socket.create_server(("127.0.0.1", 0)),
    "signal who builds": lambda: os.kill(os.getppid(), 0),
    "start a program of the home": lambda: subprocess.run([OUTSIDE + ".sh"], check=True),
    "read a secret of the environment": lambda: os.environ["TOP_SECRET"],
}


def attack():
    said = []
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
        except (OSError, KeyError):
            said.append(f"ATTEMPT {name}: refused")
        else:
            said.append(f"ATTEMPT {name}: DONE")
    write("own")
    write(f"{OWN}/own")
    return "\n".join(said)


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    said = attack()
    if "DONE" in said:
        raise SystemExit(said)
    folder = f"{NAME}-1.0.dist-info"
    os.makedirs(os.path.join(metadata_directory, folder))
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w", encoding="utf-8") as file:
        file.write(METADATA)
    with open(os.path.join(metadata_directory, folder, "WHEEL"), "w", encoding="utf-8") as file:
        file.write("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    return folder


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    # What looks like the wheel is a link to the key.
    os.symlink(PLANTED, os.path.join(wheel_directory, f"{NAME}-1.0-py3-none-any.whl"))
    with zipfile.ZipFile(os.path.join(wheel_directory, "made.zip"), "w") as file:
        file.writestr("made", "")
    raise SystemExit(attack())
