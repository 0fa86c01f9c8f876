"""Answers that are the same for everybody for a while: made once, however many ask at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """One value, made by `make` when it is asked for and the last one is older than `lasts`."""

    def __init__(self, make: Callable[[datetime], Awaitable[Value]], *, lasts: timedelta) -> None:
        self._make = make
        self._lasts = lasts
        self._made_at: datetime | None = None
        self._value: Value | None = None
        self._making = asyncio.Lock()

    async def get(self, now: datetime) -> Value:
        """The value as of at most `lasts` ago. What `make` raises is not kept."""
        async with self._making:
            if self._made_at is None or not timedelta() <= now - self._made_at < self._lasts:
                self._value, self._made_at = await self._make(now), now
        return self._value  # type: ignore[return-value]  # made above, where it was not there
