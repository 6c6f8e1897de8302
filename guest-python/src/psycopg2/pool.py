"""Connections that are kept."""

from __future__ import annotations

from typing import Any

from psycopg2.errors import Error


class PoolError(Error):
    """The pool cannot give a connection."""


class AbstractConnectionPool:
    """At most `maxconn` connections, at least `minconn` of them kept."""

    def __init__(self, minconn: int, maxconn: int, *args: Any, **kwargs: Any) -> None:
        self.minconn, self.maxconn, self.closed = int(minconn), int(maxconn), False
        self._arguments = args, kwargs
        self._free: list[Any] = []
        self._used: dict[int, Any] = {}
        for _ in range(self.minconn):
            self._free.append(self._connect())

    def _connect(self) -> Any:
        import psycopg2

        args, kwargs = self._arguments
        return psycopg2.connect(*args, **kwargs)

    def getconn(self, key: Any = None) -> Any:
        """A connection; raises `PoolError` when all are in use."""
        if self.closed:
            raise PoolError("connection pool is closed")
        if not self._free and len(self._used) >= self.maxconn:
            raise PoolError("connection pool exhausted")
        connection = self._free.pop() if self._free else self._connect()
        self._used[id(connection)] = connection
        return connection

    def putconn(self, conn: Any, key: Any = None, close: bool = False) -> None:
        """Give a connection back."""
        if self._used.pop(id(conn), None) is None:
            raise PoolError("trying to put unkeyed connection")
        if close or conn.closed or len(self._free) >= self.minconn:
            conn.close()
            return
        conn.rollback()
        self._free.append(conn)

    def closeall(self) -> None:
        """Close all connections."""
        for connection in (*self._free, *self._used.values()):
            connection.close()
        self.closed = True


SimpleConnectionPool = ThreadedConnectionPool = AbstractConnectionPool
