"""What happens later in an emulated chip, in cycles of its own clock."""

import heapq
from collections.abc import Callable
from itertools import count

Action = Callable[[], None]


class Schedule:
    """Run actions when the virtual clock reaches their cycle, in order."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self._queue: list[tuple[int, int, Action]] = []
        self._cancelled: set[int] = set()
        self._tickets = count()

    def at(self, cycle: int, action: Action) -> int:
        """Run `action` at `cycle`; return a ticket for `cancel`."""
        ticket = next(self._tickets)
        heapq.heappush(self._queue, (cycle, ticket, action))
        return ticket

    def after(self, cycles: int, action: Action) -> int:
        """Run `action` so many cycles from now."""
        return self.at(self.now() + cycles, action)

    def cancel(self, ticket: int) -> None:
        """Forget an action; one that has run already is no error."""
        if any(entry[1] == ticket for entry in self._queue):
            self._cancelled.add(ticket)

    def next_due(self) -> int | None:
        """Return the cycle of the next action, None when there is none."""
        while self._queue and self._queue[0][1] in self._cancelled:
            self._cancelled.remove(heapq.heappop(self._queue)[1])
        return self._queue[0][0] if self._queue else None

    def run_due(self) -> None:
        """Run everything that is due by now."""
        due = self.next_due()
        if due is None:
            return
        now = self.now()
        while due is not None and due <= now:
            heapq.heappop(self._queue)[2]()
            due = self.next_due()
