"""The pages under load: 50 connections of wrk, beside a bare hello-world of the same server in the same run.

python -m tests.benchmarks.web_speed [--seconds 10] [--connections 50]

Needs wrk (apt-get install wrk). The live preview is asked for 400 different sets of topics, as somebody types them;
every unsubscription is another reader's, and is durable when it is answered.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from digest.app import App
from digest.model import Profile
from digest.store.people import find_subscriber
from digest.store.readers import change_subscriber, put_pending
from digest.web.site import make_site
from tests.builders import NOW, a_paper, record
from tests.servers import free_port

PAPERS, READERS = 1_200, 20_000
_TOPICS = [
    f"{first} {second}"
    for first in (
        "sparse",
        "neural",
        "robust",
        "causal",
        "latent",
        "graph",
        "video",
        "speech",
        "protein",
        "robot",
    )
    for second in (
        "attention",
        "codec",
        "planning",
        "matching",
        "folding",
        "decoding",
        "retrieval",
        "diffusion",
    )
]
_LUA = """
local lines = {{}}
for line in io.lines("{file}") do lines[#lines + 1] = line end
local at = 0
request = function()
  at = at % #lines + 1
  local path, body = string.match(lines[at], "^(%S+) (.*)$")
  return wrk.format("POST", path, {{["Content-Type"] = "application/x-www-form-urlencoded"}}, body)
end
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), chosen.seconds, chosen.connections)


def _measure(folder: Path, seconds: int, connections: int) -> None:
    (folder / "config").mkdir()
    port = free_port()
    (folder / "config/digest.toml").write_text(
        f'[sender]\naddress = "d@example.org"\n[web]\nurl = "http://127.0.0.1:{port}"\nposts_per_minute = 1000000000\n'
    )
    with App.open(folder) as app:
        _fill(app)
        previews, leavers = folder / "previews", folder / "leavers"
        previews.write_text("".join(f"/preview topics={_typed(n)}\n" for n in range(400)))
        leavers.write_text("".join(f"{path} List-Unsubscribe=One-Click\n" for path in _ways_out(app)))
    cases = [
        ("hello world", "/hello", None),
        ("subscribe page", "/", None),
        ("live preview, cold", "/preview", previews),
        ("live preview", "/preview", previews),
        ("one-click unsubscribe", "/u/", leavers),
    ]
    with _served(folder, port):
        base: float | None = None
        for name, path, lines in cases:
            p99 = _wrk(name, f"http://127.0.0.1:{port}{path}", lines, seconds, connections, base)
            base = base or p99


def _fill(app: App) -> None:
    topics = _TOPICS
    papers = [
        a_paper(
            number,
            title=f"On {topics[number % 80].title()} and {topics[(number * 7) % 80].title()}, Part {number}",
            abstract=f"We study {topics[number % 80]} with {topics[(number * 3) % 80]} and {topics[(number * 11) % 80]}. "
            * 8,
            upvotes=number % 60,
        )
        for number in range(1, PAPERS)
    ]
    for start in range(0, PAPERS, 100):
        record(
            app.store, *papers[start : start + 100], name=f"{start}.json", at=NOW - timedelta(days=start / 50)
        )
    with app.store.writing() as tx:
        for number in range(READERS):
            profile = Profile(f"r{number}@example.org")
            who = put_pending(tx, profile, app.store.address_hash(profile.email), due_at=NOW, now=NOW)
            change_subscriber(tx, who, NOW, status="active")


def _typed(number: int) -> str:
    first, second = _TOPICS[number % 80], _TOPICS[(number * 13) % 80]
    return f"{first}, {second[: 3 + number % 12]}".replace(" ", "+").replace(",", "%2C")


def _ways_out(app: App) -> Iterator[str]:
    with app.store.reading() as db:
        for number in range(READERS):
            person = find_subscriber(db, f"r{number}@example.org")
            assert person is not None
            url = app.letters.links(person).unsubscribe_url
            assert url is not None
            yield "/u/" + url.rpartition("/")[2]


@contextmanager
def _served(folder: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.benchmarks.web_speed", "--serve", str(folder), str(port)]
    server = subprocess.Popen(command)
    try:
        while subprocess.run(
            ["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{port}/"], check=False
        ).returncode:
            time.sleep(0.2)
            assert server.poll() is None, "the server did not start"
        yield
    finally:
        server.terminate()
        server.wait()


def _serve(folder: Path, port: int) -> None:
    async def hello(_: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    with App.open(folder) as app:
        site = make_site(app, clock=lambda: NOW + timedelta(hours=1))
        bare: ASGIApp = Starlette(routes=[Route("/hello", hello)])

        async def both(scope, receive, send):
            await (bare if scope.get("path") == "/hello" else site)(scope, receive, send)

        uvicorn.run(both, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off")


def _wrk(
    name: str, url: str, lines: Path | None, seconds: int, connections: int, base: float | None
) -> float:
    script: list[str] = []
    if lines is not None:
        file = lines.with_suffix(".lua")
        file.write_text(_LUA.format(file=lines))
        script = ["-s", str(file)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10", "--latency", *script, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    quantiles = {
        found[0]: _ms(found[1], found[2]) for found in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", told)
    }
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    broken = re.search(r"Socket errors: (.*)", told)
    times = f"  {quantiles['99'] / base:4.1f} x hello" if base else ""
    errors = f"{bad[1] if bad else 0} errors" + (f", {broken[1]}" if broken else "")
    said = f"p50 {quantiles['50']:7.1f} ms  p99 {quantiles['99']:7.1f} ms"
    print(f"{name:24} {float(rate[1]) if rate else 0:8.0f}/s  {said}  {errors}{times}")
    return quantiles["99"]


def _ms(number: str, unit: str) -> float:
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--serve":
        _serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
