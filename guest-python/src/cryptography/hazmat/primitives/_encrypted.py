"""Private keys that are encrypted with a password: PKCS #8 with PBES2."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import missing
from cryptography.hazmat.primitives import _der
from cryptography.hazmat.primitives._aes import Aes, cbc_decrypt, unpad

_PBES2, _PBKDF2 = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12"
_AES = {
    "2.16.840.1.101.3.4.1.2": 16,
    "2.16.840.1.101.3.4.1.22": 24,
    "2.16.840.1.101.3.4.1.42": 32,
}
_HASHES = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}


def opened(content: bytes, password: bytes) -> bytes:
    """The key inside; raises ValueError for a wrong password."""
    algorithm, data = _der.read(content)
    scheme, parameters = algorithm.children()
    if scheme.dotted() != _PBES2:
        missing(f"a key that is encrypted with {scheme.dotted()}")
    derivation, cipher = parameters.children()
    function, how = derivation.children()
    kind, iv = cipher.children()
    if function.dotted() != _PBKDF2 or kind.dotted() not in _AES:
        missing(f"a key that is encrypted with {function.dotted()} and {kind.dotted()}")
    salt, count, *rest = how.children()
    named = [part for part in rest if part.tag == _der.SEQUENCE]
    hash_ = _HASHES.get(named[0].children()[0].dotted() if named else "1.2.840.113549.2.7")
    if hash_ is None:
        missing("the hash that the key is encrypted with")
    key = hashlib.pbkdf2_hmac(hash_, password, salt.content, count.integer(), _AES[kind.dotted()])
    try:
        found = unpad(cbc_decrypt(Aes(key), iv.content, data.content), 16)
        _der.read(found)
    except ValueError:
        raise ValueError("Incorrect password, could not decrypt key") from None
    return found
