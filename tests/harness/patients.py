"""The harness for messages to patients: a scene's own store, providers and clock, and the letterbox between them."""

from datetime import timedelta
from typing import Any

from services.notify.domain.letters import silenced
from services.notify.handlers import Carrier, Letterbox, Letters, Writing
from shared.contracts import Contract, Patient, PatientLetters
from shared.contracts.letters import Letter
from shared.documents import Mirror, Owned
from tests.harness.scene import Scene
from tests.unit.notify.letterboxes import KEY, URL, batch, event
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import Lane, Publishing


class Patients:
    """What an open scene does for patients."""

    def __init__(self, scene: Scene, *, url: str = URL) -> None:
        self.scene, world = scene, scene.world
        database: Any = world.database.as_seen_by(Life())
        store = scene.process.store
        self.patients = Mirror(collection=database["patients"], model=Patient)
        documents = Owned(
            collection=database["letters"],
            model=PatientLetters,
            publisher=Publishing(world, Life()),
            clock=scene.clock,
            service="notify",
            tombstone=silenced,
        )
        self.letters = Letters(documents=documents, due=store.letters_due, names=store.letter_names, clock=scene.clock)
        self.letterbox = Letterbox(letters=self.letters, patients=self.patients, clock=scene.clock)
        self.carrier = Carrier(
            letters=self.letters,
            due=store.letters_due,
            patients=self.patients,
            writing=Writing(post=scene.process.post, url=url, key=KEY),
            channels={one: channel for one, channel in scene.channels.items() if one in ("sms", "email")},
            own_read=Lane().as_told(),
            clock=scene.clock,
        )
        scene.receiving._on_receipt = self.carrier.heard

    async def say(self, *said: Contract) -> None:
        """Something is said on the bus, read, and what is due goes out."""
        await self.patients.apply([one for one in said if isinstance(one, Patient)])
        await self.letterbox.handle(batch([event(one, self.scene.clock.now()) for one in said]))
        await self.calm()

    async def calm(self) -> None:
        """See to what is due until nothing is left of it."""
        for _ in range(3):
            await self.carrier.poll()
            await self.carrier.calm()

    async def forward(self, by: timedelta, step: timedelta = timedelta(minutes=15)) -> None:
        """Let time pass."""
        end = self.scene.clock.now() + by
        while self.scene.clock.now() < end:
            self.scene.clock.set(min(end, self.scene.clock.now() + step))
            await self.calm()

    async def trail(self) -> list[Letter]:
        """What was written to Sam."""
        return await self.letters.of_patient("harbour", "sam")
