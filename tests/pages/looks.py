"""Whom an answer shows, and whom the records of looks name that were made since."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from cpar_plugin.store.tables import look, look_patient
from oscar_host.host import OscarHost


@dataclass(frozen=True)
class Since:
    """The records as they were at a moment."""

    host: OscarHost
    look_id: int
    log_id: int

    @classmethod
    def now(cls, host: OscarHost) -> "Since":
        """At this moment."""
        with host.database.engine.connect() as connection:
            look_id = connection.scalar(select(func.coalesce(func.max(look.c.look_id), 0))) or 0
            log_id = connection.scalar(select(func.coalesce(func.max(host.tables.log.c.id), 0))) or 0
        return cls(host, look_id, log_id)

    def lines(self) -> list[Any]:
        """The lines of the EMR's log since then."""
        log = self.host.tables.log
        with self.host.database.engine.connect() as connection:
            return list(connection.execute(select(log).where(log.c.id > self.log_id).order_by(log.c.id)).all())

    def in_the_log(self) -> set[int]:
        """Whom the EMR's log names since then: each by a line of their own, or by the numbers at its end."""
        return {line.demographic_no for line in self.lines()} | {
            int(word)
            for line in self.lines()
            for word in (line.data or "").rpartition(": ")[2].split()
            if word.isdigit()
        }

    def looked_at(self) -> set[int]:
        """Whom the plugin's own records name since then."""
        since = look_patient.c.look_id > self.look_id
        with self.host.database.engine.connect() as connection:
            return set(connection.scalars(select(look_patient.c.patient_id).where(since)))

    def recorded(self, endpoint: str) -> set[int]:
        """Whom the records name that an address of the plugin, or of the EMR, has to leave."""
        return self.in_the_log() & self.looked_at() if endpoint.startswith("cpar.") else self.in_the_log()


def name_apart(oscar: Any) -> dict[int, str]:
    """From now on every patient that is made gets a family name of their own: these names by patient, as they come."""
    names: dict[int, str] = {}
    make = oscar.patient

    def patient(**fields: Any) -> int:
        name = f"Seen{len(names):04}x"
        patient_id = int(make(**{"last_name": name, **fields}))
        names[patient_id] = name
        return patient_id

    oscar.patient = patient
    return names


def shown(body: bytes, names: dict[int, str]) -> set[int]:
    """Which of these patients are named."""
    text = body.decode(errors="replace").casefold()
    return {patient_id for patient_id, name in names.items() if name.casefold() in text}
