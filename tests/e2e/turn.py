"""A real TURN server, coturn, that takes credentials made with a shared secret and has a certificate of its own."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from tests.helpers import wait_for

CERTIFICATE, KEY = "certificate.pem", "key.pem"


@dataclass(frozen=True)
class Turn:
    """``urls``: over UDP, TCP and TLS; ``trust``: Chromium's option to take the certificate, and no other."""

    urls: tuple[str, str, str]
    secret: str
    log: Path
    trust: str

    def said(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")


@contextlib.contextmanager
def turn_server(folder: Path) -> Iterator[Turn]:
    """Listens on this machine's own address, free ports."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no coturn here: tools/system-packages test installs it")
    address = own_address()
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind((address, 0))
        port, tls_port = one.getsockname()[1], other.getsockname()[1]
    trust = write_certificate(folder, address)
    secret, log = secrets.token_hex(16), folder / "turn.log"
    command = [program, "-n", f"--listening-ip={address}", f"--relay-ip={address}", f"--listening-port={port}"]
    command += [
        "--use-auth-secret",
        f"--static-auth-secret={secret}",
        "--realm=test",
        "--no-cli",
        "--no-dtls",
        f"--tls-listening-port={tls_port}",
        f"--cert={folder / CERTIFICATE}",
        f"--pkey={folder / KEY}",
    ]
    command += ["--log-file=stdout", "--simple-log", "--verbose", f"--pidfile={folder / 'turn.pid'}", "--no-rfc5780"]
    command += [f"--userdb={folder / 'turn.sqlite'}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError):
                for each in (port, tls_port):
                    socket.create_connection((address, each), 1).close()
                return True
            return False

        wait_for(listens, what="coturn listens")
        where = f"turn:{address}:{port}?transport="
        urls = f"{where}udp", f"{where}tcp", f"turns:{address}:{tls_port}?transport=tcp"
        yield Turn(urls, secret, log, trust)
    finally:
        process.kill()
        process.wait()


def write_certificate(folder: Path, address: str) -> str:
    """A certificate for ``address`` that nobody has signed; :attr:`Turn.trust` of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TURN server of the tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / CERTIFICATE).write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / KEY).write_bytes(private)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"--ignore-certificate-errors-spki-list={b64encode(sha256(public).digest()).decode()}"


def own_address() -> str:
    """The address that instances offer: that of the interface which leads out, though nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("no network interface but loopback here")
        return str(probe.getsockname()[0])
