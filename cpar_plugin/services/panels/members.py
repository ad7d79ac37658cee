"""The members of one panel for people: searched, filtered, sorted and paged, each with what becomes of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, assert_never

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select, true

from ...domain.cautions import Caution
from ...domain.eligibility import Eligibility
from ...domain.funnel import needs_confirmation_only
from ...domain.questions import Question, questions
from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member
from ..roster import answers, member_rows, merges, same_phn
from ..roster.answers import CautionAnswer
from ..roster.eligible_in_sql import certainly_eligible
from ..roster.last_seen import last_providers
from ..roster.member_rows import MemberRow
from ..roster.providers import actor_names
from ..roster.same_phn import SamePhn
from .kept_visits import kept_visits
from .members_query import Criteria, Fate, Shown, Sort, beyond, filters, key_of_mark, order, sort_key

AT_ONCE: Final = 100
_STREAMED = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """One member. No reasons: goes out with the next submission."""

    row: MemberRow
    reasons: tuple[Reason, ...]
    cautions: tuple[Caution, ...]  # only about one who goes out
    questions: Mapping[Reason | Caution, Question]  # those of them that can be answered
    answers: Sequence[CautionAnswer]  # what would be told, had it not been checked
    mrp: str  # a name, '' for none
    seen_by: str  # at the last visit: a name, '' where that is not known
    same_phn: tuple[int, ...]  # where that matters: other patients with it that the actor may see, at most two
    merged_into: int | None  # the record kept, for one that was merged away and not followed yet


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of those found go out, how many do not, and for which reasons.

    `to_check` of those who go out have a caution, and `cautions` counts these; None and empty unless asked for.
    `confirmation_only` of those who do not need nothing but a confirmation.
    """

    sent: int
    excluded: int
    confirmation_only: int
    reasons: Counter[Reason]
    to_check: int | None
    cautions: Counter[Caution]

    def of(self, fate: Shown) -> int:
        """How many of this fate, excluded for this reason, or sent with this caution."""
        match fate:
            case Reason():
                return self.reasons[fate]
            case Caution():
                return self.cautions[fate]
            case Fate.SENT:
                return self.sent
            case Fate.EXCLUDED:
                return self.excluded
            case Fate.TO_CHECK:
                return self.to_check or 0
            case Fate.CONFIRMATION_ONLY:
                return self.confirmation_only
            case _:
                assert_never(fate)


@dataclass(frozen=True, slots=True)
class MemberListing:
    """One page of members."""

    members: Sequence[Listed]
    matching: int  # on all pages together
    hidden: int  # members that the actor may not see
    earlier: bool  # whether there are pages before this one
    later: bool  # whether there are pages after this one
    restarted: bool  # the patient where it should begin or end is no longer on a panel: this is the first page
    tally: Tally | None  # only when it was asked what becomes of them
    visits_as_of: datetime | None  # where they are sorted by visits that were kept at that time (see KeptVisits)


def listing(
    connection: Connection,
    host: Host,
    actor: Actor,
    settings: Settings,
    panel_id: int,
    criteria: Criteria,
    at_once: int | None = None,
) -> MemberListing:
    """One page, of `at_once` members unless of AT_ONCE. At most ten statements, and memory for one page.

    What becomes of members is worked out for all of them only when `criteria.fate` asks for it: else for the page.
    """
    now, at_once = host.clock.now(), at_once or AT_ONCE
    all_members = member_rows.members(host, now=now)
    kept = kept_visits(connection, host, settings, panel_id, now) if criteria.sort is Sort.SEEN else None
    last_visit_on = kept.last_visit_on if kept else None
    on_panel, visible = member.c.panel_id == panel_id, host.identity.visible(actor, member.c.patient_id)
    narrowing = filters(host, all_members, now, panel_id, criteria)
    judged = narrowing if criteria.fate else []  # else the page itself has the count
    columns = (
        func.count(),
        func.count(case((visible, 1))),
        func.count(case((and_(visible, *judged), 1))),
        key_of_mark(member_rows.members(host, now=now), criteria, last_visit_on),
    )
    counts = all_members.with_only_columns(*columns) if judged else select(*columns).select_from(member)
    total, visible_count, fitting, mark = connection.execute(counts.where(on_panel)).one()
    restarted = criteria.mark is not None and mark is None
    if restarted:
        criteria = criteria.first_page
    query = all_members.where(on_panel, visible, *narrowing)
    key = sort_key(all_members, criteria.sort, last_visit_on)
    rules = tally = None
    shared = SamePhn()
    if criteria.fate:
        shared = same_phn.of_all(connection, host, settings, now, visible)
        rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
        rows, count, tally = _judged(connection, all_members, query, key, rules, fitting, mark, criteria, at_once)
    else:
        counted = func.count().over() if narrowing else literal(visible_count)
        rows, count = _page(connection, all_members, query, key, counted, mark, criteria, at_once)
    page, has_more, is_backwards = rows[:at_once], len(rows) > at_once, criteria.before is not None
    if rules is None:
        phns = {row.phn for row in page if row.phn}
        shared = same_phn.of_all(connection, host, settings, now, visible, among=phns)
        rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
    return MemberListing(
        members=list(listed(connection, host, page[::-1] if is_backwards else page, rules, shared, now)),
        matching=count,
        hidden=total - visible_count,
        earlier=has_more if is_backwards else criteria.after is not None,
        later=is_backwards or has_more,
        restarted=restarted,
        tally=tally,
        visits_as_of=kept.as_of if kept else None,
    )


def listed(
    connection: Connection, host: Host, rows: Sequence[MemberRow], rules: Eligibility, shared: SamePhn, now: datetime
) -> Iterator[Listed]:
    """These members, judged, with all that a list shows of them. At most five statements for all together."""
    seen_by = last_providers(connection, host, [row.patient_id for row in rows if row.last_visit_on], now)
    names = actor_names(connection, host, {*seen_by.values(), *(row.mrp_id for row in rows if row.mrp_id)})
    row_answers = answers.of_patients(connection, host, [row.patient_id for row in rows if row.answers])
    kept_records = merges.kept_records(connection, host, [row.patient_id for row in rows if not row.known])
    for row in rows:
        reasons = rules.reasons(row)
        cautions = () if reasons else rules.cautions(row)
        is_shared = Reason.SHARED_PHN in reasons or Caution.PHN_OF_ANOTHER in cautions
        yield Listed(
            row,
            reasons,
            cautions,
            questions((*reasons, *cautions), row),
            answers.to(rules.answered(row), row_answers.get(row.patient_id, ())),
            mrp=names[row.mrp_id] if row.mrp_id else "",
            seen_by=names[seen_by[row.patient_id]] if row.patient_id in seen_by else "",
            same_phn=shared.others(row) if is_shared else (),
            merged_into=kept_records.get(row.patient_id),
        )


def _page(
    connection: Connection,
    all_members: Select[Any],
    query: Select[Any],
    key: ColumnElement[Any],
    counted: ColumnElement[int],
    mark: object,
    criteria: Criteria,
    at_once: int,
) -> tuple[list[MemberRow], int]:
    """One page, the member after it, and how many there are on all pages; 0 when this one is empty.

    What is shown is looked up for these only, not for all who have to be sorted.
    """
    columns = member.c.patient_id, key.label("sort_key"), counted.label("matching")
    sorted_members = query.with_only_columns(*columns).subquery("matching_members")
    ids = (
        select(sorted_members)
        .where(beyond(sorted_members.c.sort_key, sorted_members.c.patient_id, mark, criteria))
        .order_by(*order(sorted_members.c.sort_key, sorted_members.c.patient_id, criteria))
        .limit(at_once + 1)
        .subquery("ids")
    )
    rows = all_members.add_columns(ids.c.matching).join(ids, ids.c.patient_id == member.c.patient_id)
    page = connection.execute(rows.order_by(*order(ids.c.sort_key, ids.c.patient_id, criteria))).all()
    return [MemberRow._make(row[:-1]) for row in page], page[0].matching if page else 0


def _judged(
    connection: Connection,
    all_members: Select[Any],
    query: Select[Any],
    key: ColumnElement[Any],
    rules: Eligibility,
    fitting: int,
    mark: object,
    criteria: Criteria,
    at_once: int,
) -> tuple[list[MemberRow], int, Tally]:
    """The same of those that the rules submit, or exclude; and the judgement on all, `fitting` in number.

    Only those who are not plainly submitted are read and judged; all, where cautions are requested.
    """
    cautioned = criteria.fate is Fate.TO_CHECK or isinstance(criteria.fate, Caution)
    plain = certainly_eligible(all_members.selected_columns, rules)
    after = beyond(key, member.c.patient_id, mark, criteria)
    doubtful = query.where(true() if cautioned else plain.is_not(true())).add_columns(after.label("beyond"))
    page: list[MemberRow] = []
    excluded, confirmation_only, reasons_of_all = 0, 0, Counter[Reason]()
    to_check, cautions_of_all = 0, Counter[Caution]()
    ordered = doubtful.order_by(*order(key, member.c.patient_id, criteria))
    with connection.execute(ordered.execution_options(yield_per=_STREAMED)) as result:
        for *columns, is_beyond in result:
            row = MemberRow._make(columns)
            reasons = rules.reasons(row)
            excluded += bool(reasons)
            confirmation_only += needs_confirmation_only(reasons)
            reasons_of_all.update(reasons)
            cautions = rules.cautions(row) if cautioned and not reasons else ()
            to_check += bool(cautions)
            cautions_of_all.update(cautions)
            if is_beyond and criteria.fate in _fates(reasons, cautions) and len(page) <= at_once:
                page.append(row)
    if criteria.fate is Fate.SENT:
        sent: ColumnElement[bool] = or_(plain, member.c.patient_id.in_([row.patient_id for row in page]))
        page, _ = _page(connection, all_members, query.where(sent), key, literal(0), mark, criteria, at_once)
    checked = to_check if cautioned else None
    tally = Tally(fitting - excluded, excluded, confirmation_only, reasons_of_all, checked, cautions_of_all)
    return page, tally.of(criteria.fate or Fate.SENT), tally


def found(
    connection: Connection, host: Host, actor: Actor, settings: Settings, panel_id: int, criteria: Criteria
) -> list[int]:
    """The patient ids of everyone on the list, on all of its pages, in its order."""
    now, all_members = host.clock.now(), member_rows.members(host, now=host.clock.now())
    visible = host.identity.visible(actor, member.c.patient_id)
    narrowing = filters(host, all_members, now, panel_id, criteria)
    sorted_by = order(sort_key(all_members, criteria.sort), member.c.patient_id, criteria)
    query = all_members.where(member.c.panel_id == panel_id, visible, *narrowing).order_by(*sorted_by)
    if criteria.fate is None:
        return list(connection.scalars(query.with_only_columns(member.c.patient_id)))
    shared = same_phn.of_all(connection, host, settings, now, visible)
    rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
    with connection.execute(query.execution_options(yield_per=_STREAMED)) as result:
        return [row.patient_id for row in map(MemberRow._make, result) if criteria.fate in fates(rules, row)]


def fates(rules: Eligibility, row: MemberRow) -> Sequence[Shown]:
    """All lists that the member is on."""
    reasons = rules.reasons(row)
    return _fates(reasons, () if reasons else rules.cautions(row))


def _fates(reasons: Sequence[Reason], cautions: Sequence[Caution]) -> Sequence[Shown]:
    if needs_confirmation_only(reasons):
        return (Fate.EXCLUDED, Fate.CONFIRMATION_ONLY, *reasons)
    if reasons:
        return (Fate.EXCLUDED, *reasons)
    return (Fate.SENT, Fate.TO_CHECK, *cautions) if cautions else (Fate.SENT,)


def all_of(host: Host, actor: Actor, panel_id: int, criteria: Criteria) -> Select[Any]:
    """Every member on the list that the actor may see, in the columns of MemberRow. `fate` is left to `fates`."""
    now, all_members = host.clock.now(), member_rows.members(host, now=host.clock.now())
    visible = host.identity.visible(actor, member.c.patient_id)
    narrowing = filters(host, all_members, now, panel_id, criteria)
    sorted_by = order(sort_key(all_members, criteria.sort), member.c.patient_id, criteria)
    return all_members.where(member.c.panel_id == panel_id, visible, *narrowing).order_by(*sorted_by)
