"""The interface of the package `cryptography` in Python, for connectors that import it.

The real one is machine code, which a sandboxed connector cannot run. What connectors and their libraries
use of it is here: Fernet, hashes, HMAC, AES, key derivation, and signing, verifying and encrypting with RSA,
elliptic curves and Ed25519, with keys in PEM and DER. It is slower, and its time depends on the numbers it
works with; TLS is the host's and does not come here. What is missing raises `UnsupportedAlgorithm`, which
names it.
"""

__version__ = "49.0.0"
__author__ = "Sluice"
__all__ = ["__author__", "__version__"]
