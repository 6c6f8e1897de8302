"""RSA."""

from __future__ import annotations

import math
import os
import secrets

from cryptography.exceptions import InvalidSignature, missing
from cryptography.hazmat.primitives import _der
from cryptography.hazmat.primitives import _serialization as form
from cryptography.hazmat.primitives._aes import xor
from cryptography.hazmat.primitives.asymmetric.padding import OAEP, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, hashed
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import HashAlgorithm, digest

_ALGORITHM = _der.sequence(_der.identifier("1.2.840.113549.1.1.1"), _der.value(_der.NULL, b""))
_HASHES = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}


class RSAPublicNumbers:
    """The numbers of a public key."""

    def __init__(self, e: int, n: int) -> None:
        self.e, self.n = e, n

    def public_key(self, backend: object = None) -> RSAPublicKey:
        """The key."""
        return RSAPublicKey(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RSAPublicNumbers) and (self.e, self.n) == (other.e, other.n)

    def __hash__(self) -> int:
        return hash((self.e, self.n))


class RSAPrivateNumbers:
    """The numbers of a private key."""

    def __init__(
        self, p: int, q: int, d: int, dmp1: int, dmq1: int, iqmp: int, public_numbers: RSAPublicNumbers
    ) -> None:
        self.p, self.q, self.d = p, q, d
        self.dmp1, self.dmq1, self.iqmp = dmp1, dmq1, iqmp
        self.public_numbers = public_numbers

    def private_key(
        self, backend: object = None, *, unsafe_skip_rsa_key_validation: bool = False
    ) -> RSAPrivateKey:
        """The key; raises ValueError when the numbers do not belong together."""
        if self.p * self.q != self.public_numbers.n:
            raise ValueError("p*q != n")
        return RSAPrivateKey(self)


class RSAPublicKey:
    """Verifies and encrypts."""

    def __init__(self, numbers: RSAPublicNumbers) -> None:
        if numbers.n < 3 or numbers.e < 3 or not numbers.n & 1 or not numbers.e & 1:
            raise ValueError("Invalid RSA public numbers.")
        self._numbers = numbers
        self.key_size = numbers.n.bit_length()
        self._size = (self.key_size + 7) // 8

    def public_numbers(self) -> RSAPublicNumbers:
        """Its numbers."""
        return self._numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RSAPublicKey) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    def verify(
        self,
        signature: bytes,
        data: bytes,
        padding: AsymmetricPadding,
        algorithm: HashAlgorithm | Prehashed,
    ) -> None:
        """Raise InvalidSignature unless it is one of this data."""
        number = int.from_bytes(signature, "big")
        if len(signature) != self._size or number >= self._numbers.n:
            raise InvalidSignature
        block = pow(number, self._numbers.e, self._numbers.n).to_bytes(self._size, "big")
        kind, hash_ = hashed(data, algorithm)
        if isinstance(padding, PSS):
            right = _pss_fits(block, hash_, padding, kind, self.key_size - 1)
        elif isinstance(padding, PKCS1v15):
            right = bytes_eq(block, _signed_block(kind, hash_, self._size))
        else:
            missing(f"the padding {type(padding).__name__} for signatures")
        if not right:
            raise InvalidSignature

    def encrypt(self, plaintext: bytes, padding: AsymmetricPadding) -> bytes:
        """Encrypt what is short enough for the key."""
        if isinstance(padding, OAEP):
            block = _oaep(bytes(plaintext), padding, self._size)
        elif isinstance(padding, PKCS1v15):
            room = self._size - 3 - len(plaintext)
            if room < 8:
                raise ValueError("Encryption failed: the data is too long for the key")
            filled = bytes(secrets.choice(range(1, 256)) for _ in range(room))
            block = b"\0\2" + filled + b"\0" + bytes(plaintext)
        else:
            missing(f"the padding {type(padding).__name__} for encryption")
        number = pow(int.from_bytes(block, "big"), self._numbers.e, self._numbers.n)
        return number.to_bytes(self._size, "big")

    def public_bytes(self, encoding: form.Encoding, format: form.PublicFormat) -> bytes:
        """The key as a text."""
        key = _der.sequence(_der.integer(self._numbers.n), _der.integer(self._numbers.e))
        if format is form.PublicFormat.PKCS1:
            return form.written(encoding, "RSA PUBLIC KEY", key)
        if format is not form.PublicFormat.SubjectPublicKeyInfo:
            missing(f"the format {format}")
        return form.written(encoding, "PUBLIC KEY", form.public_key_info(_ALGORITHM, key))


class RSAPrivateKey:
    """Signs and decrypts."""

    def __init__(self, numbers: RSAPrivateNumbers) -> None:
        self._numbers = numbers
        self._public = RSAPublicKey(numbers.public_numbers)
        self.key_size = self._public.key_size

    def private_numbers(self) -> RSAPrivateNumbers:
        """Its numbers."""
        return self._numbers

    def public_key(self) -> RSAPublicKey:
        """The other half."""
        return self._public

    def sign(self, data: bytes, padding: AsymmetricPadding, algorithm: HashAlgorithm | Prehashed) -> bytes:
        """A signature."""
        kind, hash_ = hashed(data, algorithm)
        size = self._public._size
        if isinstance(padding, PSS):
            block = _pss(hash_, padding, kind, self.key_size - 1).rjust(size, b"\0")
        elif isinstance(padding, PKCS1v15):
            block = _signed_block(kind, hash_, size)
        else:
            missing(f"the padding {type(padding).__name__} for signatures")
        return self._power(int.from_bytes(block, "big")).to_bytes(size, "big")

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """What was encrypted with the public key."""
        size = self._public._size
        number = int.from_bytes(ciphertext, "big")
        if len(ciphertext) != size or number >= self._public._numbers.n:
            raise ValueError("Ciphertext length must be equal to key size.")
        block = self._power(number).to_bytes(size, "big")
        if isinstance(padding, OAEP):
            return _from_oaep(block, padding)
        if not isinstance(padding, PKCS1v15):
            missing(f"the padding {type(padding).__name__} for encryption")
        end = block.find(b"\0", 2)
        if block[:2] != b"\0\2" or end < 10:
            raise ValueError("Decryption failed")
        return block[end + 1 :]

    def _power(self, number: int) -> int:
        """To the private exponent, blinded, and checked: a wrong result would give the key away."""
        keys, public = self._numbers, self._public._numbers
        while True:
            blind = secrets.randbelow(public.n - 2) + 2
            if math.gcd(blind, public.n) == 1:
                break
        hidden = number * pow(blind, public.e, public.n) % public.n
        of_q = pow(hidden, keys.dmq1, keys.q)
        found = of_q + keys.q * ((pow(hidden, keys.dmp1, keys.p) - of_q) * keys.iqmp % keys.p)
        found = found * pow(blind, -1, public.n) % public.n
        if pow(found, public.e, public.n) != number % public.n:
            raise ValueError("the numbers of the RSA key do not belong together")
        return found

    def private_bytes(
        self,
        encoding: form.Encoding,
        format: form.PrivateFormat,
        encryption_algorithm: form.KeySerializationEncryption,
    ) -> bytes:
        """The key as a text."""
        form.check_unencrypted(encryption_algorithm)
        n = self._numbers
        numbers = (0, n.public_numbers.n, n.public_numbers.e, n.d, n.p, n.q, n.dmp1, n.dmq1, n.iqmp)
        key = _der.sequence(*map(_der.integer, numbers))
        if format is form.PrivateFormat.TraditionalOpenSSL:
            return form.written(encoding, "RSA PRIVATE KEY", key)
        if format is not form.PrivateFormat.PKCS8:
            missing(f"the format {format}")
        return form.written(encoding, "PRIVATE KEY", form.private_key_info(_ALGORITHM, key))


RSAPrivateKeyWithSerialization = RSAPrivateKey
RSAPublicKeyWithSerialization = RSAPublicKey


def generate_private_key(public_exponent: int, key_size: int, backend: object = None) -> RSAPrivateKey:
    """A new key; takes seconds."""
    if public_exponent not in (3, 65537):
        raise ValueError("public_exponent must be either 3 (for legacy compatibility) or 65537.")
    if key_size < 1024:
        raise ValueError("key_size must be at least 1024-bits.")
    while True:
        p, q = _prime(key_size - key_size // 2, public_exponent), _prime(key_size // 2, public_exponent)
        if p != q and (p * q).bit_length() == key_size:
            break
    d = pow(public_exponent, -1, math.lcm(p - 1, q - 1))
    public = RSAPublicNumbers(public_exponent, p * q)
    parts = (rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q))
    return RSAPrivateKey(RSAPrivateNumbers(p, q, d, *parts, public))


def rsa_crt_iqmp(p: int, q: int) -> int:
    """The inverse of q modulo p."""
    return pow(q, -1, p)


def rsa_crt_dmp1(private_exponent: int, p: int) -> int:
    """The exponent modulo p - 1."""
    return private_exponent % (p - 1)


def rsa_crt_dmq1(private_exponent: int, q: int) -> int:
    """The exponent modulo q - 1."""
    return private_exponent % (q - 1)


def rsa_recover_prime_factors(n: int, e: int, d: int) -> tuple[int, int]:
    """The two primes, the larger first."""
    odd = d * e - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    for base in range(2, 1000):
        value = pow(base, odd, n)
        for _ in range(twos):
            square = value * value % n
            if square == 1 and value not in (1, n - 1):
                p = math.gcd(value + 1, n)
                return max(p, n // p), min(p, n // p)
            value = square
    raise ValueError("Unable to compute factors p and q from exponent d.")


def _prime(bits: int, exponent: int) -> int:
    small = math.prod(n for n in range(3, 1000, 2) if all(n % k for k in range(3, int(n**0.5) + 1, 2)))
    while True:
        number = secrets.randbits(bits) | 3 << (bits - 2) | 1
        if math.gcd(number, small) == 1 and math.gcd(number - 1, exponent) == 1 and _is_prime(number):
            return number


def _is_prime(number: int) -> bool:
    twos = ((number - 1) & -(number - 1)).bit_length() - 1
    for _ in range(20):
        value = pow(secrets.randbelow(number - 3) + 2, (number - 1) >> twos, number)
        if value in (1, number - 1):
            continue
        for _ in range(twos - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True


def _signed_block(kind: HashAlgorithm, hash_: bytes, size: int) -> bytes:
    if kind.name not in _HASHES:
        missing(f"{kind.name} in a signature of this kind")
    algorithm = _der.sequence(_der.identifier(_HASHES[kind.name]), _der.value(_der.NULL, b""))
    info = _der.sequence(algorithm, _der.value(_der.OCTETS, hash_))
    if len(info) + 11 > size:
        raise ValueError("Digest too large for key size. Use a larger key or different digest.")
    return b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info


def _mask(seed: bytes, size: int, kind: HashAlgorithm) -> bytes:
    count = -(-size // kind.digest_size)
    return b"".join(digest(kind, seed + i.to_bytes(4, "big")) for i in range(count))[:size]


def _pss(hash_: bytes, padding: PSS, kind: HashAlgorithm, bits: int) -> bytes:
    size = (bits + 7) // 8
    wanted = padding._salt_length
    most = size - len(hash_) - 2
    length = len(hash_) if wanted is PSS.DIGEST_LENGTH else wanted if isinstance(wanted, int) else most
    if length > most:
        raise ValueError("Digest or salt length too long for key size.")
    salt = os.urandom(length)
    inner = digest(kind, bytes(8) + hash_ + salt)
    block = bytes(most - length) + b"\1" + salt
    masked = bytearray(xor(block, _mask(inner, len(block), padding.mgf._algorithm)))
    masked[0] &= 0xFF >> (8 * size - bits)
    return bytes(masked) + inner + b"\xbc"


def _pss_fits(block: bytes, hash_: bytes, padding: PSS, kind: HashAlgorithm, bits: int) -> bool:
    size, length = (bits + 7) // 8, len(hash_)
    block = block[-size:]
    if block[-1:] != b"\xbc" or size < length + 2 or block[0] >> (8 - (8 * size - bits)):
        return False
    masked, inner = block[: -length - 1], block[-length - 1 : -1]
    clear = bytearray(xor(masked, _mask(inner, len(masked), padding.mgf._algorithm)))
    clear[0] &= 0xFF >> (8 * size - bits)
    start = clear.find(b"\1")
    salt = bytes(clear[start + 1 :])
    wanted = padding._salt_length
    fits = len(salt) == (len(hash_) if wanted is PSS.DIGEST_LENGTH else wanted)
    if (
        start < 0
        or any(clear[:start])
        or not (fits or not (isinstance(wanted, int) or wanted is PSS.DIGEST_LENGTH))
    ):
        return False
    return bytes_eq(digest(kind, bytes(8) + hash_ + salt), inner)


def _oaep(data: bytes, padding: OAEP, size: int) -> bytes:
    kind, mask = padding.algorithm, padding.mgf._algorithm
    length = kind.digest_size
    if len(data) > size - 2 * length - 2:
        raise ValueError("Encryption failed: the data is too long for the key")
    block = digest(kind, padding._label or b"") + bytes(size - len(data) - 2 * length - 2) + b"\1" + data
    seed = os.urandom(length)
    block = xor(block, _mask(seed, len(block), mask))
    return b"\0" + xor(seed, _mask(block, length, mask)) + block


def _from_oaep(block: bytes, padding: OAEP) -> bytes:
    kind, mask = padding.algorithm, padding.mgf._algorithm
    length = kind.digest_size
    seed = xor(block[1 : length + 1], _mask(block[length + 1 :], length, mask))
    clear = xor(block[length + 1 :], _mask(seed, len(block) - length - 1, mask))
    end = clear.find(b"\1", length)
    right = bytes_eq(clear[:length], digest(kind, padding._label or b""))
    if not right or block[0] or end < 0 or any(clear[length:end]):
        raise ValueError("Decryption failed")
    return clear[end + 1 :]
