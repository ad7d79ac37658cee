"""What the roster says of a patient, with everything that real records hold."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, literal, select

from cpar_plugin.domain import texts
from cpar_plugin.host_kit.sql import seen, without_separators
from oscar_host.host import OscarHost

from ..examples import examples


def test_a_complete_patient_has_every_attribute(oscar, patient):
    patient_id = oscar.patient(
        last_name="O'Brien-Łukasz",
        first_name="Zoë Ann",
        middleNames="Marie",
        pref_name="Zo",
        born="1987-06-05",
        sex="F",
        hin="123 456-789",
        hc_type="AB",
        patient_status="AC",
        provider_no="101",
        ver="AB",
        eff_date=date(2020, 1, 31),
        hc_renew_date=date(2027, 2, 3),
    )
    assert patient(patient_id)._asdict() == {
        "patient_id": patient_id,
        "phn": "123456789",
        "phn_jurisdiction": "AB",
        "family_name": "O'Brien-Łukasz",
        "given_name": "Zoë Ann",
        "middle_names": "Marie",
        "preferred_name": "Zo",
        "birth_date": "1987-06-05",
        "gender": "F",
        "status": "AC",
        "mrp_id": "101",
        "coverage_start": "2020-01-31",
        "coverage_end": "2027-02-03",
        "card_version": "AB",
    }


@pytest.mark.parametrize(
    ("year", "month", "day", "expected"),
    [
        ("1980", "2", "3", "1980-02-03"),
        ("1980", "2 ", " 3", "1980-02-03"),
        ("1980", "", "03", None),
        ("1980", "02", None, None),
        ("", "", "", None),
        ("  ", "02", "03", None),
        (None, None, None, None),
        ("1980", "02", "30", "1980-02-30"),
        ("1980", "13", "01", "1980-13-01"),
        ("0000", "00", "00", "0000-00-00"),
        ("85", "2", "3", "85-02-03"),
    ],
)
def test_the_birth_date_is_padded_but_never_guessed(oscar, patient, year, month, day, expected):
    patient_id = oscar.patient(year_of_birth=year, month_of_birth=month, date_of_birth=day)
    assert patient(patient_id).birth_date == expected


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(born=st.dates(), unpadded=st.booleans(), before=st.sampled_from(["", " "]))
def test_every_real_birth_date_comes_out_as_it_went_in(oscar, patient, born, unpadded, before):
    month, day = (str(born.month), str(born.day)) if unpadded else (f"{born.month:02}", f"{born.day:02}")
    patient_id = oscar.patient(
        year_of_birth=f"{born.year:04}",
        month_of_birth=(before + month)[-2:],
        date_of_birth=(before + day)[-2:],
    )
    assert patient(patient_id).birth_date == born.isoformat()


@pytest.mark.parametrize("nothing", ["", "   "])
def test_a_text_that_is_empty_is_missing(oscar, patient, nothing):
    patient_id = oscar.patient(
        last_name=nothing,
        first_name=nothing,
        middleNames=nothing,
        pref_name=nothing,
        sex=nothing[:1],
        hin=nothing,
        hc_type=nothing,
        patient_status=nothing,
        provider_no=nothing,
    )
    assert set(patient(patient_id)[1:]) == {None, "1980-02-03", "unknown"}


def test_a_null_is_missing_too(oscar, patient):
    patient_id = oscar.patient(hin=None, hc_type=None, patient_status=None, provider_no=None, middleNames=None)
    row = patient(patient_id)
    assert (row.phn, row.status, row.mrp_id, row.middle_names) == (None,) * 4
    assert row.phn_jurisdiction == "unknown"


def test_names_lose_the_blanks_around_them(oscar, patient):
    row = patient(oscar.patient(last_name=" Smith ", first_name="Mary Ann "))
    assert (row.family_name, row.given_name) == ("Smith", "Mary Ann")


@pytest.mark.parametrize(
    ("hin", "phn"), [("12345-6789", "123456789"), ("12 34 56", "123456"), ("A12345678", "A12345678"), (" - ", None)]
)
def test_the_phn_loses_spaces_and_hyphens_and_nothing_else(oscar, patient, hin, phn):
    assert patient(oscar.patient(hin=hin)).phn == phn


NAMES = {
    "AB": "Alberta",
    "BC": "British Columbia",
    "MB": "Manitoba",
    "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador",
    "NS": "Nova Scotia",
    "NT": "Northwest Territories",
    "NU": "Nunavut",
    "ON": "Ontario",
    "PE": "Prince Edward Island",
    "QC": "Quebec",
    "SK": "Saskatchewan",
    "YT": "Yukon",
}


@pytest.mark.parametrize("code", NAMES)
def test_a_province_is_known_by_its_letters_and_its_name(oscar, patient, code):
    spelled = [code, code.lower(), f" {code} ", f"CA-{code}", f"ca-{code.lower()}", f"{code}\t", f"\u200b{code}\u00a0"]
    name = NAMES[code][:20]  # OSCAR cuts the rest
    spelled += [name, name.upper(), name.lower(), *([f" {name}"] if len(name) < 20 else [])]
    for hc_type in spelled:
        assert patient(oscar.patient(hc_type=hc_type)).phn_jurisdiction == code, hc_type


@pytest.mark.parametrize(
    ("hc_type", "jurisdiction"),
    [
        ("OT", "OT"),
        ("ot", "OT"),
        ("US-AK", "US-AK"),
        ("us-wy ", "US-WY"),
        *((text, "unknown") for text in ("", "  ", "AB1", "null", "A", "ABC", "A1", "--", "ZZ", "US", "US-A", "US-A1")),
        *((text, "unknown") for text in ("US-AKX", "CA-", "CA-ZZ", "Albertan", "A B", "\u200b", "\u00a0", "ÀB")),
    ],
)
def test_a_card_type_is_another_jurisdiction_or_says_nothing(oscar, patient, hc_type, jurisdiction):
    assert patient(oscar.patient(hc_type=hc_type)).phn_jurisdiction == jurisdiction


@pytest.mark.parametrize("code", ["M", "F", "T", "O", "U", "X", "m", "f", "x"])
def test_the_gender_is_the_hosts_own_code_in_capital_letters(oscar, patient, code):
    assert patient(oscar.patient(sex=code)).gender == code.upper()


@pytest.mark.parametrize("status", ["AC", "ac", "Ac", "aC", "AC ", " AC", " ac  "])
def test_a_status_that_differs_from_the_active_one_in_case_or_blanks_is_that(host: OscarHost, oscar, patient, status):
    assert patient(oscar.patient(patient_status=status)).status == host.roster.active_status


@pytest.mark.parametrize("status", ["ACT", "A C", "in", "IN", "AC\u200b", "AC1"])
def test_any_other_status_is_none_of_an_active_patient(host: OscarHost, oscar, patient, status):
    assert patient(oscar.patient(patient_status=status)).status == status


NOTHING = "\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\u3164\ufe0f\ufeff"
BLANK = "\t\n\r\x0b\x1f\x7f\u0085\u00a0\u1680\u2003\u2007\u2009\u200a\u2028\u2029\u202f\u205f\u2800\u3000"


def test_names_lose_what_cannot_be_seen_and_unusual_blanks_are_blanks(oscar, patient):
    odd = [*((letter, "") for letter in NOTHING), *((letter, " ") for letter in BLANK)]
    for letter, shown in odd:
        name = f"{letter}Ann{letter}Zoé{letter}"
        row = patient(oscar.patient(last_name=name, first_name=name, middleNames=name, pref_name=name))
        names = (row.family_name, row.given_name, row.middle_names, row.preferred_name)
        assert names == (f"Ann{shown}Zoé",) * 4, hex(ord(letter))


def test_a_name_of_which_nothing_can_be_seen_remains_so_that_it_can_be_reported(oscar, patient):
    row = patient(oscar.patient(last_name="\u200b", first_name=" \u00a0", pref_name="  "))
    assert (row.family_name, row.given_name, row.preferred_name) == ("\u200b", " \u00a0", None)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    typed=st.text(
        st.sampled_from("Aé'- ?" + NOTHING + BLANK)
        | st.characters(exclude_categories=("Cs",), exclude_characters="\x00"),  # no text of SQLite holds it
        max_size=20,
    )
)
def test_names_and_identifiers_are_cleaned_as_the_rules_of_texts_say(host: OscarHost, typed: str):
    with host.database.engine.connect() as connection:
        name, number = connection.execute(select(seen(literal(typed)), without_separators(literal(typed)))).one()
    assert name == (texts.readable(typed) or (typed if typed.strip(" ") else None))
    assert number == (texts.without_separators(typed) or None)


@pytest.mark.parametrize("separator", "- \t\n\r\u00a0\u00ad\u200b\u2010\u2013\u2014\u2212\u202e\ufeff")
def test_an_identifier_loses_every_dash_and_blank_and_what_cannot_be_seen(host, oscar, patient, separator):
    typed = f"{separator}12345{separator}6789{separator}"
    assert patient(oscar.patient(hin=typed)).phn == "123456789"
    oscar.provider("d9", last_name="O\u200bBrien", ohip_no=typed)
    providers = host.roster.providers()
    with host.database.engine.connect() as connection:
        row = connection.execute(select(providers).where(providers.c.provider_id == "d9")).one()
    assert (row.practitioner_id, row.family_name) == ("123456789", "OBrien")


def test_a_clinics_own_status_comes_out_as_it_is(host: OscarHost, oscar, patient):
    assert patient(oscar.patient(patient_status="Waiting list")).status == "Waiting list"
    assert host.roster.active_status == "AC"
    assert host.roster.status_labels["IN"] == "Inactive"


def test_a_status_and_an_mrp_compare_letter_by_letter(host: OscarHost, oscar):
    oscar.patient(patient_status="AC", provider_no="d1")
    oscar.patient(patient_status="Waiting", provider_no="D1")
    exact = oscar.patient(patient_status="AC", provider_no="D1")
    roster = host.roster.patients()
    result = select(roster.c.patient_id).where(roster.c.status == "AC", roster.c.mrp_id == "D1")
    with host.database.engine.connect() as connection:
        assert connection.scalars(result).all() == [exact]


def test_the_rosters_texts_compare_with_the_plugins_own_columns(host: OscarHost, emr: OscarHost, oscar):
    from cpar_plugin.store.tables import practitioner

    oscar.provider("d1", ohip_no="1")
    oscar.provider("d2", ohip_no="2")
    patient_id = oscar.patient(provider_no="d2")
    patients, providers = host.roster.patients(), host.roster.providers()
    with emr.database.writing() as connection:
        connection.execute(insert(practitioner).values(provider_id="d2", practitioner_id="123456789"))
    query = (
        select(patients.c.patient_id, providers.c.family_name)
        .join(practitioner, practitioner.c.provider_id == patients.c.mrp_id)
        .join(providers, providers.c.provider_id == practitioner.c.provider_id)
        .where(literal("d2").in_(select(practitioner.c.provider_id).union(select(patients.c.mrp_id))))
    )
    with host.database.engine.connect() as connection:
        assert connection.execute(query).all() == [(patient_id, "Doctor")]


def test_no_patient_is_lost_or_doubled(host: OscarHost, oscar):
    everybody = [oscar.patient(hin="1", patient_status=status) for status in ("AC", "IN", None, "")]
    roster = host.roster.patients()
    with host.database.engine.connect() as connection:
        assert sorted(connection.scalars(select(roster.c.patient_id))) == everybody


def test_patients_deleted_from_the_emr_are_gone(emr: OscarHost, oscar, patient):
    patient_id = oscar.patient()
    with emr.database.writing() as connection:
        connection.execute(delete(oscar.tables.demographic))
    assert patient(patient_id) is None


ODD = [
    {},
    {"last_name": "", "first_name": "", "middleNames": None, "pref_name": None, "hin": None, "hc_type": None},
    {"last_name": " O\u200bBrien\u00a0 ", "first_name": "\u200b", "middleNames": "  ", "pref_name": " \u00a0"},
    {"last_name": "Anne  d\u2019Arc", "first_name": "Zoë  Anne", "middleNames": "Ω  Ω", "pref_name": "Anne  Marie"},
    {"last_name": 'Quote"Back\\slash', "first_name": "Tab\tNew\nline", "middleNames": "\x01", "pref_name": "’é Ω"},
    {"hin": " 123-456\u2011789 ", "hc_type": "ca-bc", "sex": "f", "patient_status": " ac "},
    {"hin": "-", "hc_type": " us-ak", "sex": "", "patient_status": "Waiting list"},
    {"hin": "", "hc_type": "\u200bnova scotia", "sex": "x", "patient_status": None},
    {"hc_type": "nothing known", "year_of_birth": "1980", "month_of_birth": "2", "date_of_birth": " 3"},
    {"hc_type": "ÀB", "year_of_birth": " ", "month_of_birth": "02", "date_of_birth": "03"},
    {"year_of_birth": "85", "month_of_birth": None, "date_of_birth": "30"},
    {"year_of_birth": "0000", "month_of_birth": "00", "date_of_birth": "00", "patient_status": "AC\u200b"},
]


@pytest.mark.parametrize("columns", ODD)
def test_a_record_means_the_same_in_python_as_in_sql(host: OscarHost, oscar, patient, columns):
    patient_id = oscar.patient(**columns)
    stored = host.roster.stored_patients()
    texts_of_record = select(*(stored.rows.c[name] for name in stored.texts))
    names = [name for name in stored.columns if name != "patient_id"]
    in_sql = select(*(stored.columns[name] for name in names)).where(stored.rows.c.patient_id == patient_id)
    with host.database.engine.connect() as connection:
        record = connection.execute(texts_of_record.where(stored.rows.c.patient_id == patient_id)).one()
        assert tuple(connection.execute(in_sql).one()) == tuple(stored.record(record))
    assert tuple(stored.record(record)) == tuple(patient(patient_id)[1:10])


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(
        st.sampled_from("Aé'-\"\\\u2019Ω中 " + NOTHING + BLANK) | st.characters(max_codepoint=0x24F), max_size=15
    ).filter(lambda text: "\x00" not in text)
)
def test_every_name_means_the_same_in_python_as_in_sql(host: OscarHost, oscar, patient, name: str):
    patient_id = oscar.patient(last_name=name, hin=name[:20], hc_type=name[:20])
    stored = host.roster.stored_patients()
    query = select(*(stored.rows.c[each] for each in stored.texts)).where(stored.rows.c.patient_id == patient_id)
    with host.database.engine.connect() as connection:
        assert tuple(stored.record(connection.execute(query).one())) == tuple(patient(patient_id)[1:10])


@pytest.mark.parametrize("mrp_id", ["101", "1_1", "%", "d1", "D1", "1/1", "é1", "", "😀"])
def test_the_patients_of_an_mrp_are_those_whom_the_roster_gives_it(oscar, host: OscarHost, mrp_id: str):
    for stored in ("101", " 101", "101 ", "1101", "1011", "1_1", "%", "d1", "D1 ", "1/1", "é1", "e1", "", " ", None):
        oscar.patient(provider_no=stored)
    retired = oscar.patient(provider_no="101")
    oscar.merge(retired, oscar.patient(provider_no="102"))
    patient = host.roster.patients()
    with host.database.engine.connect() as connection:
        having = {one.patient_id for one in connection.execute(select(patient)) if one.mrp_id == mrp_id}
        assert set(connection.scalars(host.roster.with_mrp(mrp_id))) == having
        assert bool(having) == (mrp_id not in ("", "😀"))
