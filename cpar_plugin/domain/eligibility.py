"""Who is submitted, who is excluded, and why. No patient is excluded without a named reason."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from . import cautions
from .answers import is_answered
from .birth import birth_date
from .cautions import Caution
from .coverage import NOT_WATCHED, Coverage, CoverageRules, CoverageUse
from .gender import gender_code
from .identifiers import is_phn
from .jurisdictions import may_be_alberta
from .member import Member
from .names import legal_names, one_name_only
from .reasons import Reason


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The rules of one run, with what they need to know besides the member.

    `active_status` is the host's word for an active patient, `today` the civil date of the clinic, `shared_phns` the
    PHNs of more than one member who would otherwise be sent, `phns_of_others` those of one such member and of others
    who are excluded.
    """

    active_status: str
    today: date
    shared_phns: Collection[str] = frozenset()
    phns_of_others: Collection[str] = frozenset()
    given_name_required: bool = False
    coverage: CoverageRules = NOT_WATCHED

    def reasons(self, member: Member) -> tuple[Reason, ...]:
        """Why the member is excluded, in the order of Reason; empty for one who will be submitted.

        A PHN is shared between members who would otherwise be sent: it is never given together with another reason.
        """
        if not member.known:
            return (Reason.UNKNOWN_PATIENT,)
        reasons = tuple(self._reasons(member, birth_date(member.birth_date)))
        return (Reason.SHARED_PHN,) if not reasons and member.phn in self.shared_phns else reasons

    def _reasons(self, member: Member, born: date | None) -> Iterator[Reason]:
        if member.status != self.active_status:
            yield Reason.NOT_ACTIVE
        family_name, given_name, _ = legal_names(member)
        if not family_name:
            yield Reason.NO_FAMILY_NAME
        if self.given_name_required and not given_name and not one_name_only(member):
            yield Reason.NO_GIVEN_NAME
        if not member.birth_date:
            yield Reason.NO_BIRTH_DATE
        elif born is None or born.year == 1 or born > self.today:  # the year 1: a placeholder
            yield Reason.IMPOSSIBLE_BIRTH_DATE
        if not gender_code(member.gender):
            yield Reason.NO_GENDER
        if not member.phn:
            yield Reason.NO_PHN
        elif not may_be_alberta(member.phn_jurisdiction):
            yield Reason.OTHER_JURISDICTION
        elif not is_phn(member.phn):
            yield Reason.MALFORMED_PHN
        if self.coverage.use is CoverageUse.EXCLUDE and self.coverage.state(member, self.today) is Coverage.ENDED:
            yield Reason.COVERAGE_ENDED
        if member.last_visit_on is None:
            yield Reason.NO_VISIT
        elif born is not None and member.last_visit_on < born:
            yield Reason.VISIT_BEFORE_BIRTH
        if member.confirmed_on is None:
            yield Reason.NO_CONFIRMATION

    def cautions(self, member: Member) -> tuple[Caution, ...]:
        """What is doubtful about a member who is sent, and was not answered."""
        return tuple(caution for caution in self._cautions(member) if not _is_answered(caution, member))

    def answered(self, member: Member) -> tuple[Caution, ...]:
        """What would be doubtful if these values had not been checked against the card."""
        return (
            tuple(caution for caution in self._cautions(member) if _is_answered(caution, member))
            if member.answers
            else ()
        )

    def _cautions(self, member: Member) -> Iterator[Caution]:
        return cautions.of_member(member, self.today, self.phns_of_others, self.coverage)


def _is_answered(caution: Caution, member: Member) -> bool:
    return is_answered(caution, cautions.values(caution, member), member.answers)
