"""Receivers of webhooks over https: one with a certificate that the machine trusts, one that signed its
own, one whose certificate is for another name. Only the first gets anything; the others are told of
in words, and tried again: once their certificates are right, everything arrives."""

import datetime
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

STEWARD, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
CHANGED = threading.Condition()


def certificate(name, issuer=None):
    """A certificate with its key, signed by an issuer or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, authority = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
    )
    if name != "authority":
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return made.sign(authority, hashes.SHA256()), key


def written(name, pair):
    """A file with the certificate and its key."""
    path = WORK / f"{name}.pem"
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    secret = pair[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(pair[0].public_bytes(pem) + secret)
    return path


class Receiver:
    """A server with a certificate that can be changed, and what came to it."""

    def __init__(self, path):
        self.got, receiver = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with CHANGED:
                    receiver.got.append(body)
                    CHANGED.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """Who does not trust the certificate hangs up."""

        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)
        server = Server(("127.0.0.1", 0), Handler)
        server.socket = self.context.wrap_socket(server.socket, server_side=True)
        self.uri = f"https://localhost:{server.server_address[1]}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()


def steward(*arguments):
    command = [STEWARD, "--server", URL, "--output", "json", *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def deliveries(name):
    listed = json.loads(steward("subscription", "webhook", "deliveries", name))
    listed = listed if isinstance(listed, list) else listed.get("webhookDeliveries") or listed.get("webhook_deliveries")
    return listed or []


authority = certificate("authority")
trusted = written("trusted", certificate("localhost", authority))
roots = WORK / "roots.pem"
roots.write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
receivers = {
    "trusted": Receiver(trusted),
    "self-signed": Receiver(written("self-signed", certificate("localhost"))),
    "other-name": Receiver(written("other-name", certificate("other.example", authority))),
}
port = WORK / "tls-port"
inherited = {key: value for key, value in os.environ.items() if key != "SSL_CERT_DIR"}
server = subprocess.Popen(
    [STEWARD, "serve", "--listen", "127.0.0.1:0", "--data-dir", WORK / "tls-data", "--port-file", port],
    env=inherited | {"STEWARD_WEBHOOK_ALLOW_PRIVATE": "true", "SSL_CERT_FILE": str(roots)},
    stderr=subprocess.DEVNULL,
)
try:
    while not port.exists():
        assert server.poll() is None, "the server ended"
        time.sleep(0.05)
    URL = f"http://{port.read_text()}"
    for name, receiver in receivers.items():
        steward("subscription", "create", name, "--from", "earliest", "--webhook", receiver.uri)
    leaves = steward("export").splitlines()
    for name in ["self-signed", "other-name"]:
        while not (tried := deliveries(name)):
            assert server.poll() is None, "the server ended"
        print(f"{name}: {tried[-1]['error']}")
        assert tried[-1]["error"].startswith("its certificate is refused") and not tried[-1].get("delivered"), tried
        assert receivers[name].got == [], "nothing was sent before the certificate was right"
        # The operator of the receiver puts it right; the next attempt comes by itself.
        receivers[name].context.load_cert_chain(trusted)
    with CHANGED:
        complete = CHANGED.wait_for(lambda: all(len(r.got) >= len(leaves) for r in receivers.values()), 120)
    assert complete, {name: len(receiver.got) for name, receiver in receivers.items()}
    for name, receiver in receivers.items():
        assert receiver.got[: len(leaves)] == leaves, name
        print(f"{name}: {len(leaves)} of {len(leaves)} events arrived over TLS")
finally:
    server.terminate()
    server.wait(30)
