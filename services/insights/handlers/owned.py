"""What is held in memory of one partition while it is ours."""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from services.insights.domain import PatientState, instant_of
from services.insights.domain.ports import Order
from services.insights.handlers.saying import Said, content_of, holding, rules_in
from shared import metrics
from shared.bus import Event
from shared.contracts import Assessment


@dataclass(slots=True)
class Known:
    """A patient's state, and the months in which the store has facts of them."""

    state: PatientState
    months: set[str]


class Dues:
    """When each patient is due to be looked at again, soonest first."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def set(self, key: str, due: int | None) -> None:
        """Look at a patient again at an instant (microseconds), or not at all."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            if len(self._heap) > 4 * len(self._due) + 64:
                self._heap = [(at, name) for name, at in self._due.items()]
                heapq.heapify(self._heap)

    def fallen(self, until: int, most: int) -> list[str]:
        """At most so many patients due at or before an instant; they are due no more until set again."""
        found: list[str] = []
        while self._heap and self._heap[0][0] <= until and len(found) < most:
            due, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                found.append(key)
        return found


class Owned:
    """One partition: cached states, what was said of each patient, who must be looked at, and when.

    replayed: whether our own topic has been read to where it ended when the partition became ours. gate: how much of
    the partition had been read when the furthest of those words was said. silent_until: when the last of them was said,
    while the store is being rebuilt. Until we know as much, we contradict none of them.
    """

    def __init__(self, partition: int) -> None:
        for risk in ("true", "false"):  # a series that appears with its first entry hides it from an alert rule
            metrics.ENTRIES_SET_ASIDE.labels("insights", risk).inc(0)
        self.partition = partition
        self.states: OrderedDict[str, Known] = OrderedDict()
        self.said: dict[str, Said] = {}
        self.pending: dict[str, None] = {}
        self.dues = Dues()
        self.settings: dict[str, int] = {}
        self.aside: dict[str, tuple[int, int]] = {}
        self.replayed = False
        self.gate: Order = (0, 0)
        self.silent_until: datetime | None = None

    # --- what is said of whom

    def hear(self, event: Event, word: Assessment) -> None:
        """Take in a record of our own topic. What we did not say ourselves and does not fit has to be looked at."""
        key, offset = word.key, event.position.offset
        said = self.said.get(key)
        if said is None or word.order > said.order:
            content = content_of(word)
            found = said.found if said else None
            last = max(offset, said.last) if said else offset
            self._note(key, Said(word.order, content, offset, last, holding(word), found))
            if found not in (None, content):
                self.pending[key] = None
        elif word.order == said.order:
            said.offset = max(said.offset, offset)
            said.last = max(said.last, offset)
        else:
            said.last = max(said.last, offset)
        if self.said[key].overtaken:
            self.pending[key] = None

    def spoke(self, word: Assessment, content: bytes, offset: int) -> None:
        """Note what we have just said."""
        said = self.said.get(word.key)
        last = max(offset, said.last) if said else offset
        self._note(word.key, Said(word.order, content, offset, last, holding(word), content))

    def _note(self, key: str, said: Said) -> None:
        before = self.said.get(key)
        self.said[key] = said
        if before is None or before.holding != said.holding:
            _count(before.holding if before else 0, -1)
            _count(said.holding, 1)

    def end_replay(self, *, rebuilding: bool) -> None:
        """Our own topic has been read: from now on we know what was said.

        rebuilding: the store has lost what was said, so that we begin anew. How much was read is a sum over topics, and
        we read them in another sequence: only who has read all that was recorded when somebody spoke knows as much.
        """
        self.replayed = True
        self.gate = max((said.order[:2] for said in self.said.values()), default=(0, 0))
        if rebuilding:
            self.silent_until = instant_of(max(said.order[4] for said in self.said.values()))

    # --- states

    def keep(self, key: str, known: Known) -> None:
        """Cache a state as the one used last."""
        self.states[key] = known
        self.states.move_to_end(key)

    def forget(self, keys: Iterable[str]) -> None:
        """Drop states that may say more than the store has; they are computed anew when needed."""
        for key in keys:
            self.states.pop(key, None)

    def shrink(self, most: int) -> None:
        """Drop the states used longest ago."""
        while len(self.states) > most:
            self.states.popitem(last=False)

    # --- entries set aside

    def count_aside(self, key: str, entries: int, risk: int) -> None:
        """Note how many entries of a patient are set aside, and how many of them may carry a risk answer."""
        before = self.aside.pop(key, (0, 0))
        if entries:
            self.aside[key] = (entries, risk)
        if before != (entries, risk):
            gauge = metrics.ENTRIES_SET_ASIDE
            gauge.labels("insights", "true").inc(risk - before[1])
            gauge.labels("insights", "false").inc((entries - risk) - (before[0] - before[1]))

    # --- who must be looked at

    def ready(self, most: int, *, outdoes: Callable[[str, Said], bool]) -> list[str]:
        """At most so many of the patients pending whose last word we can outdo."""
        able = (key for key in self.pending if (said := self.said.get(key)) is None or outdoes(key, said))
        return list(islice(able, most))

    def of_clinic(self, clinic: str) -> list[str]:
        """The patients of one clinic of whom anything was said."""
        start = f"{clinic}/"
        return [key for key in self.said if key.startswith(start)]

    def close(self) -> None:
        """It is ours no more: take its numbers out of the gauges."""
        for said in self.said.values():
            _count(said.holding, -1)
        for key in list(self.aside):
            self.count_aside(key, 0, 0)


def _count(bits: int, by: int) -> None:
    for rule in rules_in(bits):
        metrics.CONCERNS_HOLDING.labels(rule).inc(by)
