"""A receiver of webhooks that believes nothing: every body is parsed by the CloudEvents SDK and
held against the export, every signature is checked by `standardwebhooks`, or by `cryptography`
where that library knows no Ed25519."""

import base64
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

from cloudevents.http import from_http
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

STEWARD, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
ENOUGH = threading.Condition()
GOT = {"hmac": [], "ed25519": []}


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what comes."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.path.strip("/")
        with ENOUGH:
            GOT[kind].append((dict(self.headers.items()), body))
            ENOUGH.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def steward(*arguments):
    done = subprocess.run([STEWARD, "--server", URL, *arguments], capture_output=True, check=True, timeout=60)
    return done.stdout


def lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def is_signed(kind, secret, headers, body):
    if kind == "hmac":
        try:
            Webhook(secret).verify(body, headers)
            return True
        except WebhookVerificationError:
            return False
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(secret.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    try:
        public.verify(base64.b64decode(headers["webhook-signature"].removeprefix("v1a,")), signed)
        return True
    except Exception:
        return False


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
uri = f"http://127.0.0.1:{receiver.server_address[1]}"
allowed = {"STEWARD_WEBHOOK_ALLOW_HTTP": "true", "STEWARD_WEBHOOK_ALLOW_PRIVATE": "true"}
port = WORK / "port"
server = subprocess.Popen(
    [STEWARD, "serve", "--listen", "127.0.0.1:0", "--data-dir", WORK / "data", "--port-file", port],
    env=os.environ | allowed,
    stderr=subprocess.DEVNULL,
)
try:
    while not port.exists():
        assert server.poll() is None, "the server ended"
        time.sleep(0.05)
    URL = f"http://{port.read_text()}"
    steward("demo")
    secrets = {}
    for kind in GOT:
        made = steward("--output", "json", "subscription", "create", kind, "--from", "earliest",
                       "--webhook", f"{uri}/{kind}", "--key", kind)
        made = json.loads(made)
        secrets[kind] = made.get("webhook_secret") or made["webhookSecret"]
    leaves = steward("export").splitlines()
    with ENOUGH:
        complete = ENOUGH.wait_for(lambda: all(len(got) >= len(leaves) for got in GOT.values()), 120)
    assert complete, {kind: len(got) for kind, got in GOT.items()}
    for kind, got in GOT.items():
        assert [body for _, body in got[: len(leaves)]] == leaves, "the exact leaves, in order"
        for headers, body in got:
            headers = lower(headers)
            assert headers["content-type"].startswith("application/cloudevents+json")
            event = from_http(headers, body)
            parsed = json.loads(body)
            assert event["id"] == parsed["sequence"] and event["source"] == parsed["source"]
            assert event["type"] == parsed["type"] and event["subject"] == parsed["subject"]
            assert event.data == parsed["data"]
            assert is_signed(kind, secrets[kind], headers, body), "a signature"
            altered = bytearray(body)
            altered[len(body) // 2] ^= 1
            assert not is_signed(kind, secrets[kind], headers, bytes(altered)), "a changed body"
        print(f"{kind}: {len(got)} events parsed by the CloudEvents SDK, {len(got)} signatures accepted, "
              f"{len(got)} of {len(got)} altered bodies refused")
finally:
    server.terminate()
    server.wait(30)
