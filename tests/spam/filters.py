"""SpamAssassin and rspamd with their own rules and no network: names are answered by a server of our own."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import rsa

from digest.mail.dkim import Key
from tests.servers import free_port

DOMAIN = "digest.example.org"
KEY = Key("mail", DOMAIN, rsa.generate_private_key(public_exponent=65537, key_size=2048))
OUR_IP = "192.0.2.10"
TEXTS = {
    DOMAIN: f"v=spf1 ip4:{OUR_IP} -all",
    f"mail._domainkey.{DOMAIN}": KEY.record,
    f"_dmarc.{DOMAIN}": "v=DMARC1; p=reject",
    "_dmarc.example.org": "v=DMARC1; p=none",
}
_ENVELOPE = b"From a@example.org Thu Mar  5 07:30:00 2026\n"
_RULE = re.compile(r"^ *\*? *(-?\d+\.\d+) ([A-Z][A-Z0-9_]+) ", re.MULTILINE)
_STATUS = re.compile(
    r"^X-Spam-Status: \w+, score=(-?[\d.]+) [^\n]*?tests=([^\n]*?) autolearn.*?^Message-ID: (<[^>]+>)",
    re.MULTILINE | re.DOTALL,
)
ADDRESSES = {DOMAIN: OUR_IP, f"mx.{DOMAIN}": OUR_IP}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A filter's score, and what it is made of."""

    score: float
    rules: Mapping[str, float]

    @property
    def against(self) -> dict[str, float]:
        """The rules that speak against the mail."""
        return {name: score for name, score in self.rules.items() if score > 0}


def spamassassin(mails: Sequence[bytes]) -> list[Verdict]:
    """What SpamAssassin says of each mail, without a network, all asked of one process. Message-IDs must differ."""
    command = [str(shutil.which("spamassassin")), "--local", "--test-mode", "--mbox"]
    mailbox = b"".join(_ENVELOPE + mail.replace(b"\r\n", b"\n") + b"\n\n" for mail in mails)
    said = subprocess.run(command, input=mailbox, capture_output=True, check=True).stdout
    text = said.decode(errors="replace")
    worth = {name: float(points) for points, name in _RULE.findall(text)}
    # It answers in an order of its own.
    found = {
        message_id: Verdict(
            float(score), {name: worth.get(name, 0.0) for name in rules.replace(" ", "").split(",")}
        )
        for score, rules, message_id in _STATUS.findall(re.sub(r"\n[\t ]+", " ", text))
    }
    return [found[_message_id(mail)] for mail in mails]


def _message_id(mail: bytes) -> str:
    return mail.partition(b"\nMessage-ID: ")[2].partition(b"\r\n")[0].decode()


class Rspamd:
    """A running rspamd."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, raw: bytes, ip: str = OUR_IP) -> Verdict:
        """What it says of a mail that comes from `ip`."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        about = {"IP": ip, "Helo": f"mx.{DOMAIN}", "From": f"papers@{DOMAIN}", "Rcpt": "reader@example.org"}
        connection.request("POST", "/checkv2", raw, about | {"Hostname": f"mx.{DOMAIN}"})
        said: dict[str, Any] = json.loads(connection.getresponse().read())
        return Verdict(said["score"], {name: symbol["score"] for name, symbol in said["symbols"].items()})


@contextmanager
def rspamd() -> Iterator[Rspamd]:
    """The filter, with its own rules, our name server, and nothing that asks somebody else."""
    with _name_server() as names, tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        _configure(home, port, names)
        places = [f"--var={name}={home}" for name in ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR")]
        with (home / "out").open("wb") as out:
            command = [str(shutil.which("rspamd")), "--no-fork", "--insecure", *places]
            daemon = subprocess.Popen(command, stdout=out, stderr=out)
            try:
                _wait_for(port, daemon)
                yield Rspamd(port)
            finally:
                daemon.terminate()
                daemon.wait(20)


def _configure(home: Path, port: int, names: int) -> None:
    own = {
        "options.inc": f'dns {{ nameserver = ["127.0.0.1:{names}:10"]; timeout = 1s; }}\nlocal_addrs = [];\n'
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


def _wait_for(port: int, daemon: subprocess.Popen[bytes]) -> None:
    for _ in range(900):
        if daemon.poll() is not None:
            raise RuntimeError(f"rspamd ended with {daemon.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError("rspamd did not start within three minutes")


@contextmanager
def _name_server() -> Iterator[int]:
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
            server.sendto(_answer(question), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    stop.set()
    thread.join()
    server.close()


def _answer(question: bytes) -> bytes:
    asked = dns.message.from_wire(question)
    reply = dns.message.make_response(asked)
    (query,) = asked.question
    name, kind = query.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(query.rdtype)
    found = {
        ("A", name): ADDRESSES.get(name),
        ("MX", DOMAIN): f"10 mx.{DOMAIN}.",
        ("PTR", "10.2.0.192.in-addr.arpa"): f"mx.{DOMAIN}.",
    }.get((kind, name))
    if kind == "TXT" and name in TEXTS:
        found = " ".join(f'"{TEXTS[name][at : at + 200]}"' for at in range(0, len(TEXTS[name]), 200))
    if found:
        reply.answer.append(dns.rrset.from_text(query.name, 60, "IN", kind, found))
    elif name not in TEXTS and name not in ADDRESSES:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()
