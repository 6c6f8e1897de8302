"""Makes an authority, ``ca.pem``, and a server's certificate with its key, ``server.pem``, in a folder."""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def main(folder: Path) -> None:
    now = datetime.datetime.now(datetime.UTC if hasattr(datetime, "UTC") else datetime.timezone.utc)
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def made(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("bench authority"))
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        day = datetime.timedelta(days=1)
        builder = builder.not_valid_before(now - day).not_valid_after(now + day)
        known = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
        issued = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)
        return builder.add_extension(issued, critical=False)

    ca = made("bench authority", authority.public_key())
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
    usage = [False, False, False, False, False, True, True, False, False]
    ca = ca.add_extension(x509.KeyUsage(*usage), critical=True)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    server = made("localhost", key.public_key()).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.sign(authority, hashes.SHA256()).public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + server.sign(authority, hashes.SHA256()).public_bytes(pem))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
