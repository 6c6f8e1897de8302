"""A host in this process: what `connector.debug()` runs a connector against, natively.

Nothing of it is part of a component. It takes the same operations as the host that runs components, by the
same rules and with the same messages: what the SDK checks is the SDK's own code, and what the host checks
in Rust is said again here, each rule with the file that it comes from. `tests/all/native.rs` runs the same
programs here and in the sandbox and compares what came of them.
"""

from sluice._debugging._session import debug

__all__ = ["debug"]
