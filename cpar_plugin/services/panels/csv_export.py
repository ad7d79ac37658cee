"""All patients of a panel as the rows of a file."""

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, null

from ...domain.cautions import Caution
from ...domain.csv_columns import CsvColumn, CsvHead
from ...domain.eligibility import Eligibility
from ...domain.merged import ON_KEPT_RECORD, merged_title
from ...domain.reasons import Reason
from ...domain.wording import WORDING, Terms, wording_for
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member
from ..roster import answers, merges, same_phn
from ..roster.answers import CautionAnswer
from ..roster.member_rows import MemberRow
from ..roster.same_phn import SamePhn
from . import listing, members
from .members_query import EVERYONE, Criteria

HEAD: Final[CsvHead] = (
    CsvColumn.RECORD,
    CsvColumn.FAMILY_NAME,
    CsvColumn.GIVEN_NAME,
    CsvColumn.MIDDLE_NAMES,
    CsvColumn.PREFERRED_NAME,
    CsvColumn.BIRTH_DATE,
    CsvColumn.GENDER,
    CsvColumn.PHN,
    CsvColumn.PHN_PROVINCE,
    CsvColumn.STATUS,
    CsvColumn.MRP,
    CsvColumn.PANEL_SINCE,
    CsvColumn.LAST_CONFIRMATION,
    CsvColumn.HOW_CONFIRMED,
    CsvColumn.LAST_VISIT,
    CsvColumn.LAST_SEEN_BY,
    CsvColumn.WILL_BE_SUBMITTED,
    CsvColumn.REASONS,
    CsvColumn.HOW_TO_FIX,
    CsvColumn.TO_CHECK,
    CsvColumn.CHECKED,
    CsvColumn.PANEL_STATE,
)
_AT_ONCE = 1000


def export(
    host: Host, actor: Actor, settings: Settings, panel_id: int, criteria: Criteria = EVERYONE
) -> Iterator[tuple[object, ...]]:
    """The rows of the file of a list, streamed, with the data at its beginning.

    Patients that the actor may not see are excluded.
    """
    merges.catch_up_to_show(host)
    merged = host.roster.merged()
    query = members.all_of(host, actor, panel_id, criteria).add_columns(
        merged.c.kept_id, host.visits.last_provider(member.c.patient_id, host.clock.now()) if host.visits else null()
    )
    query = query.outerjoin(merged, merged.c.retired_id == member.c.patient_id).execution_options(yield_per=_AT_ONCE)
    return _lines(host, actor, settings, panel_id, query, criteria)


def _lines(
    host: Host, actor: Actor, settings: Settings, panel_id: int, query: Select[Any], criteria: Criteria
) -> Iterator[tuple[object, ...]]:
    yield HEAD
    zone, labels = host.clock.zone, host.roster.status_labels
    with host.database.engine.connect() as connection:
        now, visible = host.clock.now(), host.identity.visible(actor, member.c.patient_id)
        shared = same_phn.of_all(connection, host, settings, now, visible)
        rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
        names = {provider.provider_id: provider.name for provider in listing.provider_choices(connection, host)}
        panel_answers = answers.of_panel(connection, host, panel_id)
        panel_state = listing.get(connection, host, panel_id).state.label
        with connection.execute(query) as result:
            for *columns, kept_id, seen_by in result:
                row = MemberRow._make(columns)
                if criteria.fate and criteria.fate not in members.fates(rules, row):
                    continue
                yield (
                    row.patient_id,
                    row.family_name,
                    row.given_name,
                    row.middle_names,
                    row.preferred_name,
                    row.birth_date,
                    row.gender,
                    row.phn,
                    row.phn_jurisdiction,
                    labels.get(row.status or "", row.status),
                    names.get(row.mrp_id or "", row.mrp_id),
                    row.since.astimezone(zone).date(),
                    row.confirmed_on,
                    row.confirmed_how,
                    row.last_visit_on,
                    names.get(seen_by or "", seen_by),
                    *(_judgement(host.roster, rules, shared, row) if kept_id is None else _merged(kept_id)),
                    " ".join(
                        _checked(answer, zone)
                        for answer in answers.to(rules.answered(row), panel_answers.get(row.patient_id, ()))
                    ),
                    panel_state,
                )


def _merged(kept_id: int) -> tuple[str, str, str, str]:
    return ("no", merged_title(kept_id), ON_KEPT_RECORD, "")


def _checked(answer: CautionAnswer, zone: ZoneInfo) -> str:
    return f"{WORDING[answer.caution].label}. {answer.text} ({answer.by}, {answer.at.astimezone(zone).date()})."


def _judgement(terms: Terms, rules: Eligibility, shared: SamePhn, row: MemberRow) -> tuple[str, str, str, str]:
    reasons = rules.reasons(row)
    cautions = () if reasons else rules.cautions(row)
    reason_words = [wording_for(terms, row, reason) for reason in reasons]
    caution_words = [wording_for(terms, row, caution) for caution in cautions]
    others = ""
    if Reason.SHARED_PHN in reasons or Caution.PHN_OF_ANOTHER in cautions:
        others = " ".join(f"Other record: {other}." for other in shared.others(row))
    to_do, to_check = (
        [wording.remedy for wording in reason_words],
        [f"{wording.label}. {wording.remedy}" for wording in caution_words],
    )
    (to_do if reasons else to_check).append(others)
    return (
        "no" if reason_words else "yes",
        "; ".join(wording.label for wording in reason_words),
        " ".join(filter(None, to_do)),
        " ".join(filter(None, to_check)),
    )
