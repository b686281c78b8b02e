"""Sending a story through the gateway, as a clinic's own system would: HTTP, a token, and a key for each entry.

What is older than a day goes in batches, as `import`; the last day goes entry by entry, as `live`. Each entry's key is
its own (see `Entry.key`), so that a run which broke off, or a second run, sends duplicates that change nothing.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Protocol, Self, TypeVar

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.demo.story import Body, Entry, Kind, Person, Story

Part = TypeVar("Part")

BATCHED: Final[frozenset[Kind]] = frozenset({"check_in", "questionnaire"})
TRY_AGAIN: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries, unless the gateway asks for more."""


class SendError(Exception):
    """Sending cannot go on; says why and what to do."""


@dataclass(frozen=True)
class Live:
    """A live entry that the gateway took on.

    id: the gateway's id of it, which is also the id of its evidence (`rating:<session>` for a rating); accepted_at:
    when the gateway's answer was here.
    """

    id: str
    key: str
    patient: str
    kind: Kind
    sent_at: datetime
    accepted_at: datetime


@dataclass(frozen=True)
class Refused:
    """An entry that the gateway would not take, and its words on why."""

    key: str
    kind: Kind
    line: int | None
    status: int
    why: str


@dataclass
class Sent:
    """What came of it. accepted: how many by kind; retried: how many requests had to be sent again."""

    accepted: Counter[Kind] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    retried: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """All entries accepted."""
        return self.accepted.total()


class Meter(Protocol):
    """Something that shows how far sending has come."""

    def advance(self, entries: int) -> None:
        """So many more entries are done."""


class Lines:
    """Progress where no terminal is: a line for each tenth."""

    def __init__(self, console: Console, total: int, title: str) -> None:
        self._console, self._total, self._title = console, total, title
        self._done, self._tenths = 0, 0

    def advance(self, entries: int) -> None:
        """So many more entries are done."""
        self._done += entries
        tenths = 10 * self._done // self._total if self._total else 10
        if tenths > self._tenths:
            self._tenths = tenths
            self._console.print(f"{self._title}: {self._done:,} of {self._total:,}", highlight=False)


class _Bar:
    """Progress on a terminal."""

    def __init__(self, progress: Progress, total: int, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def advance(self, entries: int) -> None:
        self._progress.advance(self._task, entries)


@asynccontextmanager
async def meter(console: Console, total: int, title: str = "entries sent") -> AsyncIterator[Meter]:
    """A progress bar on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console, total, title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress, total, title)


class Sender:
    """Sends a story to a gateway.

    base_url: the gateway's; token: a bearer token of the clinic that may administer it and write everything;
    concurrency: requests at one time; lines: entries in a batch; patience: seconds for which one request is tried
    again while the gateway is busy or away; transport, pause: for tests.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        concurrency: int = 8,
        lines: int = 500,
        patience: float = 120.0,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        console: Console | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            transport=transport,
            timeout=30.0,
            limits=httpx.Limits(max_connections=concurrency),
            trust_env=False,
        )
        self._concurrency, self._lines, self._patience = concurrency, lines, patience
        self._pause = pause
        self._console = console or Console()
        self._ids: dict[str, str] = {}
        self._positions: dict[str, str] = {}
        self._meter: Meter = Lines(self._console, 0, "")
        self.sent = Sent()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(self, story: Story) -> Sent:
        """Set up the clinic, send its past, then its last day.

        Raises:
            SendError: the gateway stays away, does not accept the token, or refuses the clinic's set-up. An entry that
                it refuses is in `Sent.refused`, and the others go on.
        """
        began = time.monotonic()
        await self.set_up(story)
        async with meter(self._console, len(story.entries)) as self._meter:
            await self.send_past(story)
            await self.send_live(story)
        self.sent.seconds = time.monotonic() - began
        return self.sent

    async def set_up(self, story: Story) -> None:
        """The clinic, its clinicians and patients, as they are: the same again changes nothing."""
        await self._put("/v1/clinic", story.clinic)
        await self._in_lanes([[person] for person in story.clinicians], self._put_clinician)
        await self._in_lanes([[person] for person in story.patients], self._put_patient)

    async def send_past(self, story: Story) -> None:
        """All before the last day, each patient's in order of time: entries of mood in batches, the rest singly."""
        past = [entry for entry in story.entries if entry.at <= story.live_from]
        lanes = self._lanes(past)
        batched = [[entry for entry in lane if entry.kind in BATCHED] for lane in lanes]
        singles = [[entry for entry in lane if entry.kind not in BATCHED] for lane in lanes]
        await self._in_lanes([self._batches(lane) for lane in batched], self._send_batch)
        await self._in_lanes(singles, self._send_single)

    async def send_live(self, story: Story) -> None:
        """The last day, each patient's entries in order of time, one by one."""
        live = [entry for entry in story.entries if entry.at > story.live_from]
        await self._in_lanes(self._lanes(live), self._send_single)

    # order: a patient is in one lane, and a lane is sent in its order ------------------------------------------------

    def _lanes(self, entries: list[Entry]) -> list[list[Entry]]:
        numbers: dict[str, int] = {}
        lanes: list[list[Entry]] = [[] for _ in range(self._concurrency)]
        for entry in entries:
            number = numbers.setdefault(entry.patient, len(numbers))
            lanes[number % self._concurrency].append(entry)
        return lanes

    def _batches(self, lane: list[Entry]) -> list[list[Entry]]:
        return [lane[start : start + self._lines] for start in range(0, len(lane), self._lines)]

    async def _in_lanes(self, lanes: Sequence[Sequence[Part]], send: Callable[[Part], Awaitable[None]]) -> None:
        """Every lane in its order, as many lanes at a time as there may be requests."""
        free = asyncio.Semaphore(self._concurrency)

        async def drive(lane: Sequence[Part]) -> None:
            async with free:
                for part in lane:
                    await send(part)

        tasks = [asyncio.create_task(drive(lane)) for lane in lanes if lane]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # what is sent ----------------------------------------------------------------------------------------------------

    async def _put_clinician(self, person: Person) -> None:
        await self._put(f"/v1/clinicians/{person.id}", person.body)

    async def _put_patient(self, person: Person) -> None:
        await self._put(f"/v1/patients/{person.id}", person.body)

    async def _put(self, path: str, body: Body) -> None:
        answer = await self._request("PUT", path, json=body)
        if answer.is_error:
            raise SendError(f"the gateway refused PUT {path} ({answer.status_code}): {_why(answer)}")

    async def _send_single(self, entry: Entry) -> None:
        sent_at = datetime.now(UTC)
        path = self._path(entry)
        if path is None:
            self._refuse(entry, 0, "its question was not accepted")
            return
        headers = {"Idempotency-Key": entry.key}
        if entry.about in self._positions:
            headers["Wait-For-Position"] = self._positions[entry.about]
        answer = await self._request("POST", path, json=entry.body, headers=headers)
        if answer.is_error:
            self._refuse(entry, answer.status_code, _why(answer))
            return
        content = _json(answer)
        identity = f"rating:{entry.about}" if entry.kind == "rating" else str(content.get("id", ""))
        self._ids[entry.key] = identity
        if entry.kind == "question" and content.get("position"):
            self._positions[entry.key] = str(content["position"])
        self._accept(entry)
        if entry.body.get("origin") == "live":
            live = Live(identity, entry.key, entry.patient, entry.kind, sent_at, datetime.now(UTC))
            self.sent.live.append(live)

    def _path(self, entry: Entry) -> str | None:
        match entry.kind:
            case "check_in":
                return "/v1/check-ins"
            case "questionnaire":
                return "/v1/questionnaires"
            case "question":
                return "/v1/questions"
            case "session":
                return f"/v1/patients/{entry.patient}/sessions"
            case "attendance" | "rating":
                return f"/v1/sessions/{entry.about}/{entry.kind}"
            case "answer" | "settle":
                question = self._ids.get(entry.about)
                return f"/v1/questions/{question}/{entry.kind}" if question else None

    async def _send_batch(self, batch: list[Entry]) -> None:
        """A batch whose lines the gateway judges one by one, and answers in their order."""
        content = "".join(f"{json.dumps({'key': e.key, 'type': e.kind, **e.body})}\n" for e in batch)
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await self._request("POST", "/v1/events:batch", content=content, headers=headers)
        if answer.is_error:
            raise SendError(f"the gateway refused a batch ({answer.status_code}): {_why(answer)}")
        results = _json(answer).get("results", [])
        if len(results) != len(batch):
            raise SendError(f"the gateway answered {len(results)} of {len(batch)} lines of a batch; is it a Rapport?")
        for entry, result in zip(batch, results, strict=True):
            if result["status"] == "accepted":
                self._accept(entry)
            else:
                self._refuse(entry, HTTPStatus.UNPROCESSABLE_ENTITY, _said(result.get("problem")))

    def _accept(self, entry: Entry) -> None:
        self.sent.accepted[entry.kind] += 1
        self._meter.advance(1)

    def _refuse(self, entry: Entry, status: int, why: str) -> None:
        self.sent.refused.append(Refused(entry.key, entry.kind, entry.line, status, why))
        self._meter.advance(1)

    async def _request(self, method: str, path: str, **what: Any) -> httpx.Response:
        """The answer to one request, tried again with the same key while the gateway is busy or away."""
        began, tries = time.monotonic(), 0
        while True:
            answer, trouble = None, ""
            try:
                answer = await self._http.request(method, path, **what)
            except httpx.TransportError as error:
                trouble = str(error) or type(error).__name__
            if answer is not None:
                if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                    raise SendError(f"the gateway does not accept the token ({answer.status_code}): {_why(answer)}")
                if answer.status_code not in TRY_AGAIN:
                    return answer
                trouble = f"{answer.status_code}: {_why(answer)}"
            if time.monotonic() - began > self._patience:
                raise SendError(f"the gateway did not take {method} {path} for {self._patience:.0f} s ({trouble})")
            await self._pause(_pause_after(tries, answer))
            tries += 1
            self.sent.retried += 1


def _pause_after(tries: int, answer: httpx.Response | None) -> float:
    """Seconds to wait: as the gateway asks, else twice as long each time."""
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    return float(asked) if asked.isdigit() else min(0.1 * 2.0**tries, LONGEST_PAUSE)


def _json(answer: httpx.Response) -> dict[str, Any]:
    """The answer's object; an empty one where it has none."""
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _why(answer: httpx.Response) -> str:
    """What the gateway says is wrong, and what to send instead."""
    return _said(_json(answer)) or answer.reason_phrase or "no reason given"


def _said(problem: Any) -> str:
    """The words of a problem (RFC 9457): its detail, and which field is meant, where it says."""
    if not isinstance(problem, dict):
        return ""
    detail = str(problem.get("detail") or problem.get("title") or "")
    fields = [f"{wrong.get('pointer', '')}: {wrong.get('message', '')}" for wrong in problem.get("errors") or []]
    return "; ".join([detail, *fields] if detail else fields)
