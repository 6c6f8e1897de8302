"""Functions of the standard library that are said not to work, each with harmless arguments."""

from __future__ import annotations

_ARGUMENTS = {
    "os.system": "'true'",
    "os.popen": "'true'",
    "os.execv": "'true', ('true',)",
    "os.execve": "'true', ('true',), {}",
    "os.execvp": "'true', ('true',)",
    "os.execl": "'true', 'true'",
    "os.execlp": "'true', 'true'",
    "os.spawnl": "os.P_WAIT, 'true', 'true'",
    "os.spawnv": "os.P_WAIT, 'true', ('true',)",
    "os.posix_spawn": "'true', ('true',), {}",
    "os.kill": "os.getpid(), 0",
    "os.killpg": "1, 0",
    "os.mkfifo": "'fifo'",
    "os.symlink": "'a', 'b'",
    "os.link": "'a', 'b'",
    "os.setuid": "0",
    "os.chown": "'.', 0, 0",
    "signal.alarm": "1",
    "signal.setitimer": "signal.ITIMER_REAL, 1",
    "hashlib.scrypt": "b'a', salt=b'b', n=2, r=1, p=1",
    "getpass.getpass": "stream=sys.stderr",
}
_ARGUMENTS |= dict.fromkeys(
    ("run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"), "'true'"
)


def exercise(name: str) -> str:
    """A line of code that calls a function named in the SDK's advice."""
    module, _, function = name.rpartition(".")
    arguments = _ARGUMENTS.get(name, _ARGUMENTS.get(function, ""))
    imports = f"import sys, {module}\n" if module else ""
    return f"{imports}{name}({arguments})"
