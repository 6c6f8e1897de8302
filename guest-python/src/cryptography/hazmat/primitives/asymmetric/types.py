"""The kinds of keys, for annotations."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PrivateKeyTypes = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKeyTypes = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
CertificateIssuerPrivateKeyTypes = PrivateKeyTypes
CertificatePublicKeyTypes = CertificateIssuerPublicKeyTypes = PublicKeyTypes
