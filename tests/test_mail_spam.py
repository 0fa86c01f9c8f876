"""What two spam filters make of our mails, asked without a network: names are answered by a server of our own."""

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from digest.mail import samples
from digest.mail.catalogue import sample, sample_message
from digest.mail.dkim import Key, Signer
from digest.mail.render import KINDS, Renderer
from tests.mail_tools import program

pytestmark = pytest.mark.browser
dns_message = pytest.importorskip("dns.message", reason="needs dnspython: pip install dnspython")
dns = pytest.importorskip("dns")

RENDERER = Renderer()
DOMAIN = "digest.example.org"
KEY = Key("mail", DOMAIN, rsa.generate_private_key(public_exponent=65537, key_size=2048))
OF_A_LIST = ("digest", "weekly", "quiet", "catch-up", "welcome", "changed")
TEXTS = {
    DOMAIN: "v=spf1 ip4:192.0.2.10 -all",
    f"mail._domainkey.{DOMAIN}": KEY.record,
    f"_dmarc.{DOMAIN}": "v=DMARC1; p=reject",
    "_dmarc.example.org": "v=DMARC1; p=none",
}
ADDRESSES = {DOMAIN: "192.0.2.10", f"mx.{DOMAIN}": "192.0.2.10"}


def signed(kind: str) -> bytes:
    return sample_message(sample(kind, RENDERER), sign=Signer([KEY]), date=datetime.now(UTC)).raw


@pytest.mark.parametrize("kind", KINDS)
def test_spamassassin_has_nothing_against_a_mail(kind):
    command = [program("spamassassin", "spamassassin"), "--local", "--test-mode"]
    said = subprocess.run(command, input=signed(kind), capture_output=True, timeout=60).stdout.decode()
    (score,) = re.findall(r"^X-Spam-Status: \w+, score=(-?[\d.]+)", said, re.MULTILINE)
    assert float(score) <= (-1.0 if kind in OF_A_LIST else 0.0), said


@pytest.mark.parametrize("kind", KINDS)
def test_rspamd_has_nothing_against_a_mail(rspamd, kind):
    verdict = rspamd(signed(kind), ip="192.0.2.10")
    against = {name: symbol["score"] for name, symbol in verdict["symbols"].items() if symbol["score"] > 0}
    # 0.05 for the preheader, which readers see in their list of mails.
    assert set(against) <= {"MANY_INVISIBLE_PARTS"}

    assert {"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"} <= set(verdict["symbols"])
    assert verdict["score"] <= (-1.0 if kind in OF_A_LIST else -0.5)


def test_rspamd_sees_when_a_mail_comes_from_somebody_else(rspamd):
    forged = sample_message(sample("digest", RENDERER)).raw
    assert rspamd(forged, ip="198.51.100.7")["score"] > 1


@pytest.fixture(scope="module")
def name_server() -> Iterator[int]:
    """Answers what a receiver would look up about us; every other name does not exist."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                question, client = server.recvfrom(4096)
            except TimeoutError:
                continue
            server.sendto(answer(question), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    stop.set()
    thread.join()
    server.close()


def answer(question: bytes):
    asked = dns_message.from_wire(question)
    reply = dns_message.make_response(asked)
    (query,) = asked.question
    name, kind = query.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(query.rdtype)
    if kind == "TXT" and name in TEXTS:
        strings = " ".join(f'"{TEXTS[name][at : at + 200]}"' for at in range(0, len(TEXTS[name]), 200))
        reply.answer.append(dns.rrset.from_text(query.name, 60, "IN", "TXT", strings))
    elif kind == "A" and name in ADDRESSES:
        reply.answer.append(dns.rrset.from_text(query.name, 60, "IN", "A", ADDRESSES[name]))
    elif kind == "MX" and name == DOMAIN:
        reply.answer.append(dns.rrset.from_text(query.name, 60, "IN", "MX", f"10 mx.{DOMAIN}."))
    elif kind == "PTR" and name == "10.2.0.192.in-addr.arpa":
        reply.answer.append(dns.rrset.from_text(query.name, 60, "IN", "PTR", f"mx.{DOMAIN}."))
    elif name not in TEXTS and name not in ADDRESSES:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory, name_server):
    """The filter, with its own rules, our name server, and nothing that asks somebody else."""
    binary = program("rspamd", "rspamd")
    home = tmp_path_factory.mktemp("rspamd")
    port = free_port()
    own = {
        "options.inc": f'dns {{ nameserver = ["127.0.0.1:{name_server}:10"]; timeout = 1s; }}\nlocal_addrs = [];\n'
        f'control_socket = "{home}/control.sock mode=0600";',
        "worker-normal.inc": f'bind_socket = "127.0.0.1:{port}"; count = 1;',
        "worker-controller.inc": "enabled = false;",
        "worker-proxy.inc": "enabled = false;",
        "worker-fuzzy.inc": "enabled = false;",
        "fuzzy_check.conf": "enabled = false;",
        "rbl.conf": "enabled = false;",
    }
    (home / "local.d").mkdir()
    for name, content in own.items():
        (home / "local.d" / name).write_text(content)
    home.chmod(0o777)
    places = [f"--var={name}={home}" for name in ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR")]
    with (home / "out").open("wb") as out:
        daemon = subprocess.Popen([binary, "--no-fork", "--insecure", *places], stdout=out, stderr=out)
        try:
            wait_for(port, daemon)
            yield lambda raw, ip: check(port, raw, ip)
        finally:
            daemon.terminate()
            daemon.wait(20)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, daemon: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        if daemon.poll() is not None:
            pytest.fail(f"rspamd ended with {daemon.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("rspamd did not start within 30 seconds")


def check(port: int, raw: bytes, ip: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    about = {"IP": ip, "Helo": f"mx.{DOMAIN}", "From": samples.SENDER.address, "Rcpt": samples.PROFILE.email}
    connection.request("POST", "/checkv2", raw, about | {"Hostname": f"mx.{DOMAIN}"})
    verdict: dict[str, Any] = json.loads(connection.getresponse().read())
    return verdict
