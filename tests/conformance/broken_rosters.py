"""Hosts whose roster breaks one rule each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    type_coerce,
    union_all,
)

from cpar_plugin.hooks import StatusKind
from cpar_plugin.hooks.conformance.reading import RECORD
from cpar_plugin.host_kit.sql import filled
from oscar_host.roster import OscarRoster

from .breaking import breaks, with_roster
from .oscar_bench import OscarBench

Columns = Callable[[Any], dict[str, ColumnElement[Any] | None]]


def altered(source: FromClause, others: Columns, *where: ColumnElement[bool]) -> FromClause:
    """The same with other columns, None for one that is missing."""
    columns = dict(source.c.items()) | others(source.c)
    return (
        select(*(column.label(name) for name, column in columns.items() if column is not None))
        .where(*where)
        .subquery(source.description)
    )


def patients(bench: OscarBench, others: Columns) -> OscarBench:
    real = bench.host.roster
    return with_roster(bench, patients=lambda: altered(real.patients(), others))


def providers(bench: OscarBench, others: Columns) -> OscarBench:
    real = bench.host.roster
    return with_roster(bench, providers=lambda: altered(real.providers(), others))


@breaks("test_patients_has_every_agreed_column")
def it_has_no_middle_names(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda _: {"middle_names": None})


@breaks("test_a_patient_has_a_whole_number_and_is_one_row")
def an_outer_join_doubles_patients_without_an_mrp(bench: OscarBench) -> OscarBench:
    def doubled() -> FromClause:
        one = real.patients()
        return union_all(select(one), select(one).where(one.c.mrp_id.is_(None))).subquery("patient")

    real = bench.host.roster
    return with_roster(bench, patients=doubled)


@breaks("test_names_are_those_that_were_entered")
def names_are_swapped(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"family_name": c.given_name, "given_name": c.family_name})


@breaks("test_names_are_those_that_were_entered")
def names_are_in_capitals(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"family_name": func.upper(c.family_name)})


@breaks("test_a_missing_text_is_null_and_never_empty")
def a_missing_preferred_name_is_empty(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"preferred_name": func.coalesce(c.preferred_name, "")})


@breaks("test_a_phn_is_given_without_separators")
def a_phn_loses_spaces_and_hyphens_only(bench: OscarBench) -> OscarBench:
    record = bench.oscar.tables.demographic
    typed = select(func.replace(func.replace(record.c.hin, " ", ""), "-", "")).correlate_except(record)
    return patients(
        bench, lambda c: {"phn": filled(typed.where(record.c.demographic_no == c.patient_id).scalar_subquery())}
    )


@breaks("test_a_phn_is_given_without_separators")
def a_phn_is_as_someone_typed_it(bench: OscarBench) -> OscarBench:
    record = bench.oscar.tables.demographic
    typed = select(record.c.hin).correlate_except(record)
    return patients(
        bench, lambda c: {"phn": filled(typed.where(record.c.demographic_no == c.patient_id).scalar_subquery())}
    )


@breaks("test_a_phn_without_a_known_jurisdiction_says_so")
def an_unknown_jurisdiction_is_null(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"phn_jurisdiction": func.nullif(c.phn_jurisdiction, "unknown")})


@breaks("test_names_are_without_what_cannot_be_seen")
def names_are_as_someone_pasted_them(bench: OscarBench) -> OscarBench:
    record = bench.oscar.tables.demographic
    pasted = select(record.c.last_name).correlate_except(record)
    return patients(
        bench,
        lambda c: {"family_name": filled(pasted.where(record.c.demographic_no == c.patient_id).scalar_subquery())},
    )


@breaks("test_the_jurisdiction_of_a_phn_is_its_code")
def a_jurisdiction_has_a_country(bench: OscarBench) -> OscarBench:
    return patients(
        bench,
        lambda c: {
            "phn_jurisdiction": case((c.phn_jurisdiction == "unknown", "unknown"), else_="CA-" + c.phn_jurisdiction)
        },
    )


@breaks("test_a_birth_date_is_iso_text")
def a_birth_date_is_a_date(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"birth_date": type_coerce(c.birth_date, Date)})


@breaks("test_the_days_of_coverage_are_iso_texts")
def the_end_of_coverage_is_a_date(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"coverage_end": type_coerce(c.coverage_end, Date)})


@breaks("test_a_day_of_coverage_that_no_one_has_entered_is_null")
def no_end_of_coverage_is_a_day_far_away(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"coverage_end": func.coalesce(c.coverage_end, "9999-12-31")})


@breaks("test_the_version_of_a_card_is_the_one_that_was_entered")
def the_version_of_a_card_is_its_type(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"card_version": case((c.card_version.is_not(None), c.phn_jurisdiction))})


@breaks("test_the_gender_is_the_one_that_was_entered")
def a_gender_is_a_word(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"gender": case((c.gender == "F", "female"), (c.gender == "M", "male"))})


@breaks("test_the_active_status_is_that_of_an_active_patient_and_has_a_label")
def the_active_status_has_no_label(bench: OscarBench) -> OscarBench:
    return with_roster(bench, status_labels={"IN": "Inactive"})


@breaks("test_the_known_statuses_have_kinds_and_only_the_active_one_is_active")
def a_status_of_the_deceased_is_active(bench: OscarBench) -> OscarBench:
    return with_roster(bench, status_kinds={"AC": StatusKind.ACTIVE, "DE": StatusKind.ACTIVE})


@breaks("test_fields_are_called_by_the_names_of_columns")
def a_field_is_called_by_the_name_in_the_database(bench: OscarBench) -> OscarBench:
    return with_roster(bench, field_labels={"hin": "Health Ins. #"})


@breaks("test_patients_who_are_not_active_are_there_too")
def it_has_active_patients_only(bench: OscarBench) -> OscarBench:
    def active() -> FromClause:
        patient = real.patients()
        return altered(patient, lambda _: {}, or_(patient.c.status.is_(None), patient.c.status == real.active_status))

    real = bench.host.roster
    return with_roster(bench, patients=active)


@breaks("test_the_mrp_of_a_patient_is_one_of_the_providers")
def an_mrp_is_a_number(bench: OscarBench) -> OscarBench:
    return patients(bench, lambda c: {"mrp_id": cast(c.mrp_id, Integer)})


@breaks("test_patients_can_be_stored_and_reused")
def patients_are_those_of_the_moment(bench: OscarBench) -> OscarBench:
    def of_now() -> FromClause:
        patient = real.patients()
        with bench.host.database.engine.connect() as connection:
            known = connection.scalars(select(patient.c.patient_id)).all()
        return altered(patient, lambda _: {}, patient.c.patient_id.in_(known))

    real = bench.host.roster
    return with_roster(bench, patients=of_now)


@breaks("test_patients_can_be_used_twice_in_one_statement")
def patients_are_a_cte_with_a_name(bench: OscarBench) -> OscarBench:
    real = bench.host.roster
    return with_roster(bench, patients=lambda: select(real.patients()).cte("patient"))


@breaks("test_the_patients_of_an_mrp_are_those_who_have_it")
def an_mrp_finds_all_patients_who_have_one(bench: OscarBench) -> OscarBench:
    record = bench.oscar.tables.demographic.c
    return with_roster(bench, with_mrp=lambda _: select(record.demographic_no).where(record.provider_no.is_not(None)))


@breaks("test_stored_texts_become_what_patients_have_in_sql_and_in_python")
def a_stored_text_is_given_as_it_was_typed(bench: OscarBench) -> OscarBench:
    stored = bench.host.roster.stored_patients()
    return with_roster(bench, stored_patients=lambda: replace(stored, record=lambda texts: texts[: len(RECORD)]))


@breaks("test_no_family_name_is_missed_by_its_beginning")
def names_are_looked_for_letter_by_letter(bench: OscarBench) -> OscarBench:
    stored = bench.host.roster.stored_patients()
    begins = func.lower(stored.columns["family_name"]).startswith
    return with_roster(bench, stored_patients=lambda: replace(stored, family_begins=begins))


@breaks("test_a_phn_finds_all_patients_with_it_and_no_others")
def a_phn_is_looked_up_as_it_was_typed(bench: OscarBench) -> OscarBench:
    record = bench.oscar.tables.demographic
    return with_roster(bench, with_phn=lambda phn: select(record.c.demographic_no).where(record.c.hin == phn))


@breaks("test_a_phn_finds_all_patients_with_it_and_no_others")
def a_phn_finds_all_that_begin_like_it(bench: OscarBench) -> OscarBench:
    patient = bench.host.roster.patients()
    return with_roster(bench, with_phn=lambda phn: select(patient.c.patient_id).where(patient.c.phn.startswith(phn)))


@breaks("test_some_phns_find_all_patients_with_one_of_them_and_no_others")
def some_phns_are_looked_up_as_they_were_typed(bench: OscarBench) -> OscarBench:
    record = bench.oscar.tables.demographic
    return with_roster(bench, with_phns=lambda phns: select(record.c.demographic_no).where(record.c.hin.in_(phns)))


@breaks("test_phns_that_another_patient_has_too_are_named_however_they_are_typed")
def numbers_are_shared_where_they_are_typed_alike(bench: OscarBench) -> OscarBench:
    record, twin = bench.oscar.tables.demographic, bench.oscar.tables.demographic.alias()
    alike = exists().where(twin.c.hin == record.c.hin, twin.c.demographic_no != record.c.demographic_no)
    return with_roster(
        bench, shared_phns=lambda ids: select(record.c.hin).where(record.c.demographic_no.in_(ids), alike)
    )


@breaks("test_providers_has_every_agreed_column")
def providers_have_no_licence(bench: OscarBench) -> OscarBench:
    return providers(bench, lambda _: {"licence_id": None})


@breaks("test_a_provider_is_the_one_who_was_entered")
def the_licence_replaces_the_practitioner_id(bench: OscarBench) -> OscarBench:
    return providers(bench, lambda c: {"practitioner_id": c.licence_id})


@breaks("test_a_missing_text_of_a_provider_is_null_and_never_empty")
def a_missing_practitioner_id_is_empty(bench: OscarBench) -> OscarBench:
    return providers(bench, lambda c: {"practitioner_id": func.coalesce(c.practitioner_id, "")})


@breaks("test_whether_a_provider_is_active_is_true_or_false")
def active_is_a_letter(bench: OscarBench) -> OscarBench:
    return providers(bench, lambda c: {"active": case((c.active, "Y"), else_="N")})


@breaks("test_providers_who_have_left_are_there_too")
def it_has_active_providers_only(bench: OscarBench) -> OscarBench:
    def active() -> FromClause:
        provider = real.providers()
        return altered(provider, lambda _: {}, type_coerce(provider.c.active, Boolean))

    real = bench.host.roster
    return with_roster(bench, providers=active)


def without_merges(bench: OscarBench) -> OscarRoster:
    """The roster of an OSCAR that has no table of merges."""
    real: Any = bench.host.roster
    there = real._tables_present()
    types = {table: columns for table, columns in there.types.items() if table != "demographic_merged"}
    return OscarRoster(bench.oscar.tables, lambda: type(there)(types), bench.host.clock.zone)


@breaks("test_a_record_merged_away_is_no_patient_and_the_one_kept_is")
def records_merged_away_are_patients(bench: OscarBench) -> OscarBench:
    return with_roster(bench, patients=without_merges(bench).patients)


@breaks("test_the_visits_of_records_merged_away_count_for_the_one_kept")
def visits_of_merged_records_are_lost(bench: OscarBench) -> OscarBench:
    return with_roster(bench, last_visit_on=without_merges(bench).last_visit_on)


@breaks("test_merged_leads_to_the_end_of_a_chain")
def merged_leads_one_step_only(bench: OscarBench) -> OscarBench:
    merge = bench.oscar.tables.demographic_merged
    step = select(merge.c.demographic_no.label("retired_id"), merge.c.merged_to.label("kept_id"))
    return with_roster(bench, merged=lambda: step.subquery("merged"))


@breaks("test_the_phn_of_a_record_merged_away_leads_to_the_end_of_a_chain")
def phns_of_merged_records_keep_their_separators(bench: OscarBench) -> OscarBench:
    def as_typed() -> FromClause:
        merged, record = bench.host.roster.merged(), bench.oscar.tables.demographic
        query = select(merged.c.retired_id, merged.c.kept_id, record.c.hin.label("phn"))
        return query.join_from(merged, record, record.c.demographic_no == merged.c.retired_id).subquery("merged_phn")

    return with_roster(bench, merged_phns=as_typed)


@breaks("test_a_record_that_was_never_merged_is_not_in_merged")
def everybody_is_merged_into_themselves(bench: OscarBench) -> OscarBench:
    def everybody() -> FromClause:
        merged, patient = real.merged(), real.patients()
        own = select(patient.c.patient_id, patient.c.patient_id)
        return union_all(select(merged.c.retired_id, merged.c.kept_id), own).subquery("merged")

    real = bench.host.roster
    return with_roster(bench, merged=everybody)
