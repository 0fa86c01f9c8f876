"""How fast messages may leave: per second in all, and per second to one domain."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """Evenly spaced starts. Zero means no limit. Times are seconds of a steady clock."""

    per_second: float = 0.0
    per_domain_per_second: float = 0.0
    _next: float = 0.0
    _next_of: dict[str, float] = field(default_factory=dict)

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to wait for at all."""
        return self.per_second > 0 or self.per_domain_per_second > 0

    def wait_for(self, address: str, at: float) -> float:
        """How many seconds from `at` until a message to `address` may leave; 0.0 when it may now."""
        return max(self._next - at, self._next_of.get(_domain(address), 0.0) - at, 0.0)

    def started(self, address: str, at: float) -> None:
        """A message to `address` leaves at `at`."""
        if self.per_second > 0:
            self._next = max(self._next, at) + 1 / self.per_second
        if self.per_domain_per_second > 0:
            domain = _domain(address)
            self._next_of[domain] = max(self._next_of.get(domain, 0.0), at) + 1 / self.per_domain_per_second


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
