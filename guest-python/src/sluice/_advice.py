"""What of Python does not work here, and what to use instead: for builds and for failures alike."""

from __future__ import annotations

# Modules of Python's own that cannot be imported here.
MODULES: dict[str, str] = {
    "bz2": "the component's Python has no bzip2; use gzip or zlib",
    "ctypes": "there is no machine code to call; use a package in pure Python",
    "curses": "a sync has no terminal; use print or fivetran_connector_sdk.Logging",
    "ensurepip": "packages are installed by `sluice build`; list them in requirements.txt",
    "fcntl": "the files of a sync are its own; no locks are needed",
    "grp": "a sync has no users or groups",
    "idlelib": "a sync has no screen",
    "lzma": "the component's Python has no xz; use gzip or zlib",
    "mmap": "the files of a sync lie in memory already; read them",
    "msvcrt": "it is of Windows only",
    "nt": "it is of Windows only",
    "pty": "a sync has no terminal and starts no programs",
    "pwd": "a sync has no users; name what you need in the configuration",
    "pydoc_data": "documentation is left out of components",
    "readline": "a sync has no terminal; values come from the configuration",
    "resource": "limits are the host's: set them in connector.toml under [limits]",
    "syslog": "use fivetran_connector_sdk.Logging or logging",
    "termios": "a sync has no terminal",
    "tkinter": "a sync has no screen",
    "tty": "a sync has no terminal",
    "turtle": "a sync has no screen",
    "turtledemo": "a sync has no screen",
    "venv": "packages are installed by `sluice build`; list them in requirements.txt",
    "winreg": "it is of Windows only",
    "winsound": "it is of Windows only",
}

# Modules that can be imported, and of which nothing works.
EMPTY: dict[str, str] = {
    "multiprocessing.shared_memory": "processes share files only; use what a Pool's tasks return",
}

# Functions that exist, or existed elsewhere, and cannot work.
CALLS: dict[str, str] = {
    "getpass.getpass": "nobody is there to answer; secrets come from the configuration",
    "hashlib.scrypt": "the component's Python has no OpenSSL; use hashlib.sha256 and hmac",
    "input": "nobody is there to answer; values come from the configuration",
    "multiprocessing.Manager": "processes share files only; use what a Pool's tasks return",
    "multiprocessing.Pipe": "processes share files only; use what a Pool's tasks return",
    "multiprocessing.Queue": "processes share files only; use what a Pool's tasks return",
    "os.chown": "a sync has no users",
    "os.execl": "a sync starts no programs; use a package in pure Python",
    "os.execlp": "a sync starts no programs; use a package in pure Python",
    "os.execv": "a sync starts no programs; use a package in pure Python",
    "os.execve": "a sync starts no programs; use a package in pure Python",
    "os.execvp": "a sync starts no programs; use a package in pure Python",
    "os.fork": "a sync starts no programs; use a package in pure Python",
    "os.forkpty": "a sync starts no programs; use a package in pure Python",
    "os.geteuid": "a sync has no users",
    "os.getlogin": "a sync has no users",
    "os.getuid": "a sync has no users",
    "os.kill": "a sync neither sends nor receives signals; time limits are the host's",
    "os.killpg": "a sync neither sends nor receives signals; time limits are the host's",
    "os.link": "the files of a sync have no links; copy the file",
    "os.mkfifo": "files of a sync are read and written by it alone; use queue.Queue",
    "os.popen": "a sync starts no programs; use a package in pure Python",
    "os.posix_spawn": "a sync starts no programs; use a package in pure Python",
    "os.setuid": "a sync has no users",
    "os.spawnl": "a sync starts no programs; use a package in pure Python",
    "os.spawnv": "a sync starts no programs; use a package in pure Python",
    "os.symlink": "the files of a sync have no links; copy the file",
    "os.system": "a sync starts no programs; use a package in pure Python",
    "signal.alarm": "a sync neither sends nor receives signals; time limits are the host's",
    "signal.pause": "a sync neither sends nor receives signals; time limits are the host's",
    "signal.setitimer": "a sync neither sends nor receives signals; time limits are the host's",
    "subprocess.Popen": "a sync starts no programs; use a package in pure Python",
    "subprocess.call": "a sync starts no programs; use a package in pure Python",
    "subprocess.check_call": "a sync starts no programs; use a package in pure Python",
    "subprocess.check_output": "a sync starts no programs; use a package in pure Python",
    "subprocess.getoutput": "a sync starts no programs; use a package in pure Python",
    "subprocess.getstatusoutput": "a sync starts no programs; use a package in pure Python",
    "subprocess.run": "a sync starts no programs; use a package in pure Python",
}

# Modules whose distribution has another name.
DISTRIBUTIONS: dict[str, str] = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cx_Oracle": "cx-Oracle",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "facebook_business": "facebook-business",
    "git": "GitPython",
    "googleapiclient": "google-api-python-client",
    "grpc": "grpcio",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "mysql": "mysql-connector-python",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2",
    "pymysql": "PyMySQL",
    "pytds": "python-tds",
    "simple_salesforce": "simple-salesforce",
    "slugify": "python-slugify",
    "snowflake": "snowflake-connector-python",
    "sklearn": "scikit-learn",
    "sqlalchemy": "SQLAlchemy",
    "stripe": "stripe",
    "yaml": "PyYAML",
    "zeep": "zeep",
    "zmq": "pyzmq",
}

# The modules of Python 3.14 at the top, those of other platforms included.
STDLIB: frozenset[str] = frozenset(
    """
    abc annotationlib antigravity argparse array ast asyncio atexit base64 bdb binascii bisect
    builtins bz2 cProfile calendar cmath cmd code codecs codeop collections colorsys compileall
    compression concurrent configparser contextlib contextvars copy copyreg csv ctypes curses
    dataclasses datetime dbm decimal difflib dis doctest email encodings ensurepip enum errno
    faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt
    getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib importlib
    inspect io ipaddress itertools json keyword linecache locale logging lzma mailbox marshal math
    mimetypes mmap modulefinder msvcrt multiprocessing netrc nt ntpath nturl2path numbers opcode
    operator optparse os pathlib pdb pickle pickletools pkgutil platform plistlib poplib posix
    posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri
    random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve
    shlex shutil signal site smtplib socket socketserver sqlite3 sre_compile sre_constants sre_parse
    ssl stat statistics string stringprep struct subprocess symtable sys sysconfig syslog tabnanny
    tarfile tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib
    trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uuid
    venv warnings wave weakref webbrowser winreg winsound wsgiref xml xmlrpc zipapp zipfile
    zipimport zlib zoneinfo
    """.split()  # noqa: SIM905
)


def for_import(name: str | None) -> str | None:
    """What to use instead of a module that could not be imported; None when it is none of Python's own."""
    plain = (name or "").removeprefix("_")  # `import bz2` fails for want of `_bz2`
    for module in (plain, plain.partition(".")[0]):
        if module in MODULES:
            return MODULES[module]
    return None


def for_call(function: str) -> str | None:
    """What to use instead of a function that does not work here, by its dotted name."""
    return CALLS.get(function)
