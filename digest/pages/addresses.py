"""Where a fetch may connect to: names are looked up once, every address is checked, and that address is connected to."""

import math
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore

from digest.errors import SourceError

# Python's `is_global` lets NAT64, 6to4 and IPv4-compatible addresses through, all of which may lead home.
# https://www.iana.org/assignments/iana-ipv4-special-registry, .../iana-ipv6-special-registry
_PRIVATE_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_PUBLIC_6 = IPv6Network("2000::/3")
_PRIVATE_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
LOOKUP_SECONDS = 5.0

Lookup = Callable[[str, int], Sequence[str]]
Clock = Callable[[], float]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet, by the IANA registries of special addresses."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        return ip in _PUBLIC_6 and not any(ip in network for network in _PRIVATE_6)
    return not any(ip in network for network in _PRIVATE_4)


def look_up(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only, and lets no read or write pass one deadline for the whole conversation."""

    def __init__(self, *, lookup: Lookup, allow_private: bool, clock: Clock, deadline: float) -> None:
        self._lookup = lookup
        self._allow_private = allow_private
        self._clock = clock
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._checked(host, port)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                # Half of what is left, so that a second address gets its turn when the first is silent.
                left = min(time_left(self._clock, self._deadline) / 2, timeout or math.inf)
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
                return _DeadlineStream(stream, self._clock, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _checked(self, host: str, port: int) -> Sequence[str]:
        addresses = _in_time(self._lookup, host, port)
        inner = [address for address in addresses if not is_public(address)]
        if inner and not self._allow_private:
            raise SourceError(
                f"{host} leads to {inner[0]}, an address inside a private network; "
                "if that is meant, set allow_private for this source.",
                state="refused",
            )
        return addresses


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, clock: Clock, deadline: float) -> None:
        self._stream = stream
        self._clock = clock
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return _DeadlineStream(secured, self._clock, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _left(self, timeout: float | None) -> float:
        return min(time_left(self._clock, self._deadline), timeout or math.inf)


def time_left(clock: Clock, deadline: float) -> float:
    """Seconds until the deadline; httpcore.ReadTimeout once it has passed."""
    left = deadline - clock()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left


def _in_time(lookup: Lookup, host: str, port: int) -> Sequence[str]:
    """The lookup's answer within LOOKUP_SECONDS. The system's resolver takes no timeout, so it waits in a thread."""
    answer: list[Sequence[str]] = []
    failure: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            answer.append(lookup(host, port))
        except (OSError, UnicodeError) as error:
            failure.append(error)

    thread = threading.Thread(target=ask, name=f"lookup {host}", daemon=True)
    thread.start()
    thread.join(LOOKUP_SECONDS)
    if answer and answer[0]:
        return answer[0]
    why = "the name server did not answer in time" if thread.is_alive() else "no such host"
    raise SourceError(f"{host} cannot be looked up: {why}; check the address and the network.") from next(
        iter(failure), None
    )
