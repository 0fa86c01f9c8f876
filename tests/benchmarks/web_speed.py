"""The pages under load: 50 connections of wrk, beside a bare hello-world of the same server in the same run.

python -m tests.benchmarks.web_speed [--rounds 3] [--seconds 4] [--connections 50]

Needs wrk (apt-get install wrk). "Never asked for" asks each time for topics that nobody has asked for, with a keyword
that nobody has typed, cut off anywhere as somebody types it; "live preview" asks for the same 400 sets of topics again
and again. Every unsubscription is another reader's, and is durable when it is answered. Each round measures everything
one after the other, with topics and readers of its own; what is printed last are the medians of the rounds.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from random import Random
from statistics import median

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

PAPERS = 1_200
_LEAVING = 1_700  # readers for each second: more than leave in one
_SHORTEST = 8  # letters of a keyword that is still being typed
_FIRST = ["sparse", "neural", "robust", "causal", "latent", "graph", "video", "speech", "protein", "robot"]
_SECOND = ["attention", "codec", "planning", "matching", "folding", "decoding", "retrieval", "diffusion"]
_TOPICS = [f"{first} {second}" for first, second in product(_FIRST, _SECOND)]
_HELLO = "hello world"
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


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk measured: requests a second, and milliseconds."""

    rate: float
    p50: float
    p99: float
    errors: str


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked for. The lines, `path body`, are posted, another part of them in each round."""

    name: str
    path: str
    lines: Sequence[str] = ()
    is_new_each_round: bool = True

    def of_round(self, number: int, rounds: int) -> Sequence[str]:
        """The lines of one round."""
        if not self.is_new_each_round:
            return self.lines
        share = len(self.lines) // rounds
        return self.lines[number * share : (number + 1) * share]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), chosen.rounds, chosen.seconds, chosen.connections)


def _measure(folder: Path, rounds: int, seconds: int, connections: int) -> None:
    (folder / "config").mkdir()
    port = free_port()
    (folder / "config/digest.toml").write_text(
        f'[sender]\naddress = "d@example.org"\n[web]\nurl = "http://127.0.0.1:{port}"\nposts_per_minute = 1000000000\n'
    )
    with App.open(folder) as app:
        readers = _LEAVING * rounds * seconds
        _fill(app, readers)
        leavers = [f"{path} List-Unsubscribe=One-Click" for path in _ways_out(app, readers)]
    asked = [f"/preview topics={_encoded(topics)}" for topics in _never_asked()]
    again = [f"/preview topics={_encoded(topics)}" for topics in _TOPICS[:40]]
    cases = [
        Case(_HELLO, "/hello"),
        Case("subscribe page", "/"),
        Case("live preview", "/preview", asked[-360:] + again, is_new_each_round=False),
        Case("topics never asked for", "/preview", asked[:-360]),
        Case("one-click unsubscribe", "/u/", leavers),
    ]
    loads: dict[str, list[Load]] = {case.name: [] for case in cases}
    with _served(folder, port):
        for number in range(rounds):
            for case in cases:
                lines, url = case.of_round(number, rounds), f"http://127.0.0.1:{port}{case.path}"
                if lines and not case.is_new_each_round and not number:
                    _wrk(url, lines, folder, seconds, connections)  # somebody has asked for them before
                load = _wrk(url, lines, folder, seconds, connections)
                loads[case.name].append(load)
                _tell(case.name, [load], loads[_HELLO][-1].p99)
    print(f"\nmedian of {rounds} rounds, p99 as a multiple of hello world's in the same round")
    for name, found in loads.items():
        ratios = [load.p99 / base.p99 for load, base in zip(found, loads[_HELLO], strict=True)]
        _tell(name, found, median(load.p99 for load in found) / median(ratios))


def _tell(name: str, loads: Sequence[Load], base: float) -> None:
    rate, p50, p99 = (median(getattr(load, what) for load in loads) for what in ("rate", "p50", "p99"))
    errors = "; ".join(sorted({load.errors for load in loads}))
    print(
        f"{name:24} {rate:8.0f}/s  p50 {p50:7.1f} ms  p99 {p99:7.1f} ms  {p99 / base:5.1f} x  {errors}",
        flush=True,
    )


def _fill(app: App, readers: int) -> None:
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
        for number in range(readers):
            profile = Profile(f"r{number}@example.org")
            who = put_pending(tx, profile, app.store.address_hash(profile.email), due_at=NOW, now=NOW)
            change_subscriber(tx, who, NOW, status="active")


def _never_asked() -> list[str]:
    """A topic, and another one as far as it is typed; no two have the second in common."""
    typing = {
        f"{topic} {how} {first}"[:end]
        for topic, how, first in product(_TOPICS, ("for", "with", "of", "in"), _FIRST)
        for end in range(_SHORTEST, len(topic) + len(how) + len(first) + 3)
    }
    random = Random(0)
    found = sorted(typing)
    random.shuffle(found)
    return [f"{random.choice(_TOPICS)}, {typed}" for typed in found]


def _encoded(topics: str) -> str:
    return topics.replace(" ", "+").replace(",", "%2C")


def _ways_out(app: App, readers: int) -> Iterator[str]:
    with app.store.reading() as db:
        for number in range(readers):
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


def _wrk(url: str, lines: Sequence[str], folder: Path, seconds: int, connections: int) -> Load:
    script: list[str] = []
    if lines:
        asked, program = folder / "asked", folder / "asked.lua"
        asked.write_text("".join(f"{line}\n" for line in lines))
        program.write_text(_LUA.format(file=asked))
        script = ["-s", str(program)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10", "--latency", *script, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    times = {found[0]: _ms(found[1], found[2]) for found in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", told)}
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    broken = re.search(r"Socket errors: (.*)", told)
    errors = f"{bad[1] if bad else 0} errors" + (f", {broken[1]}" if broken else "")
    return Load(float(rate[1]) if rate else 0.0, times["50"], times["99"], errors)


def _ms(number: str, unit: str) -> float:
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--serve":
        _serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
