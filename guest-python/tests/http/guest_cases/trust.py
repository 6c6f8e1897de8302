"""Certificates, contexts and sockets: the host ends TLS."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
import urllib.request
import warnings

import requests
import urllib3
from snippets import session
from urllib3.util import Retry
from wit_world.imports import http as host

from guest_cases.support import case, crossings, raises
from sluice._http import _errors, _trust


@case
def verification_cannot_be_switched_off(env):
    unverified = ssl._create_unverified_context()
    text = "the host always verifies"
    with crossings(0):
        with raises(requests.exceptions.SSLError, text):
            session(Retry(total=5)).get(env.tls + "/echo", verify=False)
        with raises(urllib3.exceptions.MaxRetryError, text) as caught:
            urllib3.PoolManager(cert_reqs="CERT_NONE", retries=3).request("GET", env.tls)
        assert isinstance(caught[0].reason, urllib3.exceptions.SSLError)
        with raises(urllib3.exceptions.MaxRetryError, text):
            urllib3.PoolManager(ssl_context=unverified).request("GET", env.tls)
        with raises(ssl.SSLError, text):
            http.client.HTTPSConnection("localhost", context=unverified).request("GET", "/")
        with raises(urllib.error.URLError, text):
            urllib.request.urlopen(env.tls, context=unverified)
    assert requests.get(env.url + "/echo", verify=False).ok


@case
def certificates_of_the_connector(env):
    with crossings(0):
        with raises(requests.exceptions.SSLError, "client certificate"):
            requests.get(env.tls + "/echo", cert=("a.pem", "a.key"))
        with raises(urllib3.exceptions.MaxRetryError, "client certificate"):
            urllib3.PoolManager(cert_file="a.pem").request("GET", env.tls)
        with raises(ssl.SSLError, "client certificate"):
            ssl.create_default_context().load_cert_chain("a.pem")
        for setting in (
            {"assert_fingerprint": "00" * 32},
            {"assert_hostname": "x"},
            {"server_hostname": "x"},
        ):
            with raises(urllib3.exceptions.MaxRetryError, "cannot be checked"):
                urllib3.PoolManager(**setting).request("GET", env.tls)


@case
def trust_of_the_connector_is_ignored_aloud(env):
    def context() -> ssl.SSLContext:
        return ssl.create_default_context(cafile="/mine.pem")

    for use in (
        lambda: requests.get(env.tls + "/echo", verify="/mine.pem"),
        lambda: urllib3.PoolManager(ca_certs="/mine.pem").request("GET", env.tls + "/echo"),
        lambda: urllib.request.urlopen(env.tls + "/echo", context=context()),
    ):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            use().close()
        assert ["ignored" in str(warning.message) for warning in seen] == [True], seen


@case
def certifi_names_the_trust_of_the_host(env):
    import certifi

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        context = ssl.create_default_context(cafile=certifi.where())
        assert urllib.request.urlopen(env.tls + "/echo", context=context).status == 200
        assert requests.get(env.tls + "/echo", verify=certifi.where()).ok
        assert requests.certs.where() == _trust.HOST_TRUST


@case
def sockets_have_no_names(env):
    for call in (
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: socket.gethostbyname("localhost"),
        lambda: socket.create_connection(("localhost", 80)),
    ):
        with raises(OSError, "a connector has no sockets"):
            call()


@case
def contexts_can_be_configured(env):
    assert ssl.OPENSSL_VERSION.startswith("OpenSSL 3.0.0 (stand-in")
    context = ssl.create_default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    with raises(ValueError):
        context.verify_mode = ssl.CERT_NONE
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.check_hostname = True
    assert context.verify_mode is ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_TICKET
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_ciphers("HIGH")
    context.set_alpn_protocols(["http/1.1"])
    context.load_default_certs()
    assert context.protocol is ssl.PROTOCOL_TLS_CLIENT
    assert context.get_ca_certs() == []
    assert ssl.Purpose.CLIENT_AUTH.shortname == "clientAuth"
    assert len(ssl.RAND_bytes(8)) == 8
    assert ssl.get_default_verify_paths().openssl_cafile == _trust.HOST_TRUST


@case
def sockets_cannot_be_wrapped(env):
    context = ssl.create_default_context()
    with raises(ssl.SSLError, "TLS is spoken by the host"):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="h")
    with socket.socket() as plain:
        plain.connect(("127.0.0.1", env.port))
        with raises(ssl.SSLError, "TLS is spoken by the host"):
            context.wrap_socket(plain, server_hostname="h")


@case
def errors_of_tls_look_as_always(env):
    error = _errors.from_host(host.Error_Certificate("expired"))
    assert isinstance(error, ssl.SSLError)
    assert isinstance(error, ValueError)
    assert error.reason == "CERTIFICATE_VERIFY_FAILED"
    assert error.verify_message == "expired"
    assert type(error).__module__ == "ssl"
    assert str(error).startswith("[SSL: CERTIFICATE_VERIFY_FAILED]")


@case
def memory_bio(env):
    bio = ssl.MemoryBIO()
    assert bio.write(b"abcd") == 4
    assert bio.read(3) == b"abc"
    assert bio.pending == 1
    assert not bio.eof
    bio.write_eof()
    assert bio.read() == b"d"
    assert bio.eof
