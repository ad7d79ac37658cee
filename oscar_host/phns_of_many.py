"""PHNs of many patients at once, as SQL that the index of OSCAR's numbers answers."""

from collections.abc import Collection

from sqlalchemy import Select, Table, and_, case, exists, func, or_, select, union

from cpar_plugin.domain.identifiers import PHN_LENGTH
from cpar_plugin.host_kit.sql import constant, without_separators, without_separators_as_compared


def with_phns(demographic: Table, phns: Collection[str]) -> Select[int]:
    """The number of every record with one of these PHNs of nine digits, however it is typed.

    What is typed alike is found by the index; what has separators is longer, and read once from the index alone.
    """
    record = demographic.c
    has_one = select(record.demographic_no).where(without_separators(record.hin).in_(phns))
    longer = has_one.where(func.length(record.hin) > constant(PHN_LENGTH))
    found = union(has_one.where(record.hin.in_(phns)), longer).subquery("with_phn")
    return select(found.c.demographic_no)


def shared_phns(demographic: Table, patient_ids: Select[int]) -> Select[str]:
    """Every PHN of nine digits that one of these records has and another one too, and perhaps more.

    Two that are typed alike are met by the index. What has separators is longer: of everyone, that is read
    from the index alone, and met with what is typed without by the index again, with its like by grouping.
    """
    own, twin, long = (demographic.alias(name) for name in ("own", "twin", "long"))
    own_phn, long_phn = (without_separators(record.c.hin).label("phn") for record in (own, long))
    of_these, long_of_these, twin_of_these = (record.c.demographic_no.in_(patient_ids) for record in (own, long, twin))
    alike = exists().where(twin.c.hin == own.c.hin, twin.c.demographic_no != own.c.demographic_no)
    typed_alike = select(own_phn).where(of_these, func.length(own.c.hin) == constant(PHN_LENGTH), alike)
    of_same_phn = and_(
        twin.c.hin == without_separators_as_compared(long.c.hin), twin.c.demographic_no != long.c.demographic_no
    )
    otherwise = (
        select(long_phn)
        .join_from(long, twin, of_same_phn, isouter=True)
        .where(func.length(long.c.hin) > constant(PHN_LENGTH))
        .group_by(long_phn)
        .having(
            or_(func.count() > 1, func.count(twin.c.demographic_no) > 0),
            func.max(case((or_(long_of_these, twin_of_these), 1), else_=0)) == 1,
        )
    )
    phns = union(typed_alike, otherwise).subquery("shared_phn")
    return select(phns.c.phn)
