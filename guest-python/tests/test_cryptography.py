"""The stand-in for `cryptography`, on what the real package made (`cryptography_vectors.json`)."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes, hmac, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash, ConcatKDFHMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

VECTORS = json.loads((Path(__file__).parent / "cryptography_vectors.json").read_text())
MESSAGE = VECTORS["message"].encode()
SHA256 = hashes.SHA256()


def counted(size):
    return bytes(i * 7 + 3 & 255 for i in range(size))


def private(text, password=None):
    return serialization.load_pem_private_key(text.encode(), password)


def public(text):
    return serialization.load_pem_public_key(text.encode())


@pytest.mark.parametrize("vector", VECTORS["aes"], ids=lambda vector: vector["key"])
def test_aes(vector):
    key = counted(vector["key"])
    for name, mode, size in [
        ("cbc", modes.CBC(counted(16)), 48),
        ("ecb", modes.ECB(), 48),
        ("ctr", modes.CTR(b"\xff" * 16), 50),
    ]:
        cipher = Cipher(algorithms.AES(key), mode)
        context, data = cipher.encryptor(), counted(size)
        found = context.update(data[:5]) + context.update(data[5:]) + context.finalize()
        assert found.hex() == vector[name]
        context = cipher.decryptor()
        assert context.update(found[:21]) + context.update(found[21:]) + context.finalize() == data
    for name, nonce, additional in [("gcm", 12, counted(5)), ("long", 20, None)]:
        found = AESGCM(key).encrypt(counted(nonce), counted(50), additional)
        assert found.hex() == vector[name]
        assert AESGCM(key).decrypt(counted(nonce), found, additional) == counted(50)
        with pytest.raises(InvalidTag):
            AESGCM(key).decrypt(counted(nonce), found, b"other")
        context = Cipher(algorithms.AES(key), modes.GCM(counted(nonce), found[-16:])).decryptor()
        context.authenticate_additional_data(additional or b"")
        assert context.update(found[:-16]) + context.finalize() == counted(50)


def test_padding():
    for size in (0, 15, 16, 17, 40):
        padder, unpadder = padding.PKCS7(128).padder(), padding.PKCS7(128).unpadder()
        padded = padder.update(counted(size)) + padder.finalize()
        assert len(padded) % 16 == 0
        assert unpadder.update(padded) + unpadder.finalize() == counted(size)
    unpadder = padding.PKCS7(128).unpadder()
    with pytest.raises(ValueError, match="padding"):
        unpadder.update(bytes(16)) + unpadder.finalize()


def test_fernet():
    key, token = VECTORS["fernet"]["key"], VECTORS["fernet"]["token"]
    assert Fernet(key).decrypt(token) == MESSAGE == Fernet(key.encode()).decrypt(token.encode())
    assert Fernet(key).extract_timestamp(token) == 1700000000
    other = Fernet(Fernet.generate_key())
    assert MultiFernet([other, Fernet(key)]).decrypt(token) == MESSAGE
    assert other.decrypt(MultiFernet([other, Fernet(key)]).rotate(token)) == MESSAGE
    for wrong in (token[:-4] + "AAA=", "gAAA", "", token[:20]):
        with pytest.raises(InvalidToken):
            Fernet(key).decrypt(wrong)
    with pytest.raises(InvalidToken):
        Fernet(key).decrypt(token, ttl=60)
    with pytest.raises(InvalidToken):
        other.decrypt(token)
    with pytest.raises(ValueError, match="32 url-safe"):
        Fernet("c2hvcnQ=")


def test_rsa():
    vector = VECTORS["rsa"]
    key, open_key = private(vector["private"]), public(vector["public"])
    assert key.public_key() == open_key == private(vector["old"]).public_key()
    assert private(vector["locked"], b"pass").public_key() == open_key
    for password, error in ((b"wrong", ValueError), (None, TypeError)):
        with pytest.raises(error):
            private(vector["locked"], password)
    plain = rsa_padding.PKCS1v15()
    assert key.sign(MESSAGE, plain, SHA256).hex() == vector["signature"]
    pss = rsa_padding.PSS(rsa_padding.MGF1(SHA256), 20)
    for signature, kind in (
        (bytes.fromhex(vector["signature"]), plain),
        (bytes.fromhex(vector["pss"]), pss),
        (key.sign(MESSAGE, pss, SHA256), rsa_padding.PSS(rsa_padding.MGF1(SHA256), rsa_padding.PSS.AUTO)),
    ):
        open_key.verify(signature, MESSAGE, kind, SHA256)
        with pytest.raises(InvalidSignature):
            open_key.verify(signature, MESSAGE + b".", kind, SHA256)
    oaep = rsa_padding.OAEP(rsa_padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    assert key.decrypt(bytes.fromhex(vector["oaep"]), oaep) == b"hello"
    assert key.decrypt(open_key.encrypt(b"again", oaep), oaep) == b"again"
    assert key.decrypt(open_key.encrypt(b"again", plain), plain) == b"again"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert key.private_bytes(*form).decode() == vector["private"]
    numbers = key.private_numbers()
    factors = rsa.rsa_recover_prime_factors(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d)
    assert sorted(factors) == sorted((numbers.p, numbers.q))


def test_a_new_rsa_key_signs():
    key = rsa.generate_private_key(65537, 1024)
    signature = key.sign(MESSAGE, rsa_padding.PKCS1v15(), hashes.SHA512())
    key.public_key().verify(signature, MESSAGE, rsa_padding.PKCS1v15(), hashes.SHA512())


@pytest.mark.parametrize("curve", VECTORS["ec"])
def test_curves(curve):
    vector = VECTORS["ec"][curve]
    key, open_key = private(vector["private"]), public(vector["public"])
    assert key.public_key() == open_key
    assert key.curve.name == curve
    algorithm = ec.ECDSA(SHA256)
    for signature in (bytes.fromhex(vector["signature"]), key.sign(MESSAGE, algorithm)):
        open_key.verify(signature, MESSAGE, algorithm)
        with pytest.raises(InvalidSignature):
            open_key.verify(signature, MESSAGE + b".", algorithm)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert key.private_bytes(*form).decode() == vector["private"]
    other = ec.generate_private_key(key.curve)
    assert key.exchange(ec.ECDH(), other.public_key()) == other.exchange(ec.ECDH(), open_key)
    with pytest.raises(ValueError, match="not on the curve"):
        ec.EllipticCurvePublicNumbers(1, 2, key.curve).public_key()


def test_ed25519():
    vector = VECTORS["ed25519"]
    key, open_key = private(vector["private"]), public(vector["public"])
    assert key.sign(MESSAGE).hex() == vector["signature"]
    open_key.verify(bytes.fromhex(vector["signature"]), MESSAGE)
    for signature, message in ((vector["signature"], b"."), ("00" * 64, MESSAGE), ("00", MESSAGE)):
        with pytest.raises(InvalidSignature):
            open_key.verify(bytes.fromhex(signature), message)


def test_wrapped_keys():
    # RFC 3394, 4.1 and 4.6
    for size, key, wrapped in (
        (16, "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
        (
            32,
            "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
        ),
    ):
        assert aes_key_wrap(bytes(range(size)), bytes.fromhex(key)).hex() == wrapped
        assert aes_key_unwrap(bytes(range(size)), bytes.fromhex(wrapped)).hex() == key
        with pytest.raises(InvalidUnwrap):
            aes_key_unwrap(bytes(range(1, size + 1)), bytes.fromhex(wrapped))
    with pytest.raises(ValueError, match="at least 16"):
        aes_key_wrap(bytes(16), bytes(8))


def test_concatenated_keys():
    # RFC 7518, appendix C
    shared = bytes.fromhex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4")
    named = b"\0\0\0\x07A128GCM\0\0\0\x05Alice\0\0\0\x03Bob\0\0\0\x80"
    assert ConcatKDFHash(SHA256, 16, named).derive(shared).hex() == "56aa8deaf8236d205c2228cd71a7101a"
    long = ConcatKDFHash(SHA256, 70, named).derive(shared)
    assert len(long) == 70
    assert long.startswith(ConcatKDFHash(SHA256, 33, named).derive(shared))
    salted = ConcatKDFHMAC(SHA256, 32, b"salt", named).derive(shared)
    assert salted == hmac_of(b"salt", b"\0\0\0\x01" + shared + named)


def hmac_of(key, data):
    made = hmac.HMAC(key, SHA256)
    made.update(data)
    return made.finalize()


def test_derived_keys_and_hmac():
    # RFC 5869, case 1, and RFC 6070's way with SHA-256
    key = HKDF(SHA256, 42, bytes(range(13)), bytes(range(0xF0, 0xFA))).derive(b"\x0b" * 22)
    assert key.hex().startswith("3cb25f25faacd57a90434f64d0362f2a")
    assert (
        PBKDF2HMAC(SHA256, 32, b"salt", 2)
        .derive(b"password")
        .hex()
        .startswith("ae4d0c95af6b46d32d0adff928f06dd0")
    )
    signing = hmac.HMAC(b"key", SHA256)
    signing.update(b"The quick brown fox ")
    signing.update(b"jumps over the lazy dog")
    assert signing.finalize().hex().startswith("f7bc83f430538424b13298e6aa6fb143")


def test_what_is_missing_says_so():
    with pytest.raises(UnsupportedAlgorithm, match="ChaCha20Poly1305 is not available in a connector"):
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: F401
    with pytest.raises(UnsupportedAlgorithm, match=r"x509\.CertificateBuilder"):
        _ = x509.CertificateBuilder
    with pytest.raises(ValueError, match="No PEM block"):
        serialization.load_pem_private_key(b"nothing", None)
