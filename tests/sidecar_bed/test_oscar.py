"""What the other tests rely on: OSCAR's part of the bed is as unkind as a running OSCAR was seen to be."""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from .bed import Bed
from .conftest import master_record
from .installed import DOCTOR
from .oscar import PASSWORD, WRONG_SIGN_INS, Oscar

HTTPS = {"X-Forwarded-Proto": "https"}
ME = "/ws/rs/providerService/provider/me"


def sign_in(url: str, provider_id: str = DOCTOR, password: str = PASSWORD, **headers: str) -> requests.Response:
    return requests.post(
        f"{url}/login.do",
        data={"username": provider_id, "password": password},
        headers=HTTPS | {name.replace("_", "-"): value for name, value in headers.items()},
        allow_redirects=False,
        timeout=60,
    )


def session(url: str, provider_id: str = DOCTOR) -> dict[str, str]:
    """The header that shows who is signed in."""
    return {"Cookie": sign_in(url, provider_id).headers["Set-Cookie"].partition(";")[0]}


def redirect_asked_with(version: int, url: str) -> str | None:
    """Where somebody without a session is sent, as it is told to this version of HTTP."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
        connection._http_vsn, connection._http_vsn_str = version, f"HTTP/{version // 10}.{version % 10}"  # type: ignore[attr-defined]
        connection.request("GET", "/oscar/administration/", headers={"Host": "emr.example"} | HTTPS)
        return connection.getresponse().getheader("Location")


def test_redirects_and_addresses_in_pages_go_by_the_scheme_that_tomcat_knows(bed: Bed) -> None:
    oscar, port = bed.oscar, bed.oscar.site_port
    urls = (oscar.plain_url, oscar.url, oscar.secure_url)
    assert [redirect_asked_with(10, url) for url in urls] == [
        "http://emr.example/oscar/logout.jsp",
        f"https://emr.example:{port}/oscar/logout.jsp",
        f"https://emr.example:{port}/oscar/logout.jsp",
    ]
    assert {redirect_asked_with(11, url) for url in urls} == {"/oscar/logout.jsp"}
    address = master_record(1).removeprefix("/oscar")
    pages = [requests.get(url + address, headers=session(url) | HTTPS, timeout=60).text for url in urls]
    assert ['<base href="http:' in page for page in pages] == [True, False, False]
    assert ["Secure" in sign_in(url).headers["Set-Cookie"] for url in urls] == [False, True, True]


def test_ten_wrong_sign_ins_lock_out_anyone_who_comes_from_that_address(bed: Bed) -> None:
    for _ in range(WRONG_SIGN_INS):
        assert "wrong" in sign_in(bed.oscar.url, password="-", X_Forwarded_For="10.0.0.5").headers["Location"]
    assert "locked" in sign_in(bed.oscar.url, X_Forwarded_For="10.0.0.5").headers["Location"]
    assert sign_in(bed.oscar.url, X_Forwarded_For="10.0.0.6").headers["Location"] == "provider/providercontrol.jsp"


def test_each_question_is_a_line_in_its_log_and_without_a_session_makes_a_new_one(bed: Bed) -> None:
    oscar = bed.oscar
    own, before = session(oscar.url), len(oscar.questions())
    known = requests.get(oscar.url + ME, headers=own, timeout=60)
    assert (known.json()["providerNo"], "Set-Cookie" in known.headers) == (DOCTOR, False)
    unknown = requests.get(oscar.url + ME, headers={"Cookie": "JSESSIONID=GONE"}, timeout=60)
    assert (unknown.status_code, unknown.headers["Content-Type"].partition(";")[0]) == (401, "text/xml")
    assert unknown.headers["Set-Cookie"].startswith("JSESSIONID=")
    assert [line.action for line in oscar.questions()[before:]] == [
        "REST WS: ProviderService.getLoggedInProvider",
        "REST WS: NOT AUTHORIZED",
    ]
    assert requests.get(f"{oscar.url}/ws/rs/persona/rights", headers=own, timeout=60).status_code == 500


def test_an_account_has_one_session_which_signing_out_ends(bed: Bed) -> None:
    url = bed.oscar.url
    older, newer = session(url), session(url)
    statuses = [requests.get(url + ME, headers=one, timeout=60).status_code for one in (older, newer)]
    assert statuses == [401, 200]
    requests.get(f"{url}/logout.jsp", headers=newer, timeout=60)
    assert requests.get(url + ME, headers=newer, timeout=60).status_code == 401


@pytest.mark.parametrize(("state", "status"), [("mfa", 401), ("reset", 401), ("without-provider", 404)])
def test_who_is_not_signed_in_to_the_end_has_no_provider(bed: Bed, state: str, status: int) -> None:
    bed.oscar.set(states=[(DOCTOR, state)])
    own = session(bed.oscar.url)
    assert requests.get(bed.oscar.url + ME, headers=own, timeout=60).status_code == status


def test_a_right_is_reported_by_name_and_closed_for_a_patient(bed: Bed) -> None:
    oscar: Oscar = bed.oscar
    oscar.set(rights=[(DOCTOR, "_demographic", "r")], closed=[(DOCTOR, 12)])
    own = session(oscar.url)

    def may(privilege: str, patient_id: int) -> bool:
        query = {"objectName": "_demographic", "privilege": privilege, "demographicNo": str(patient_id)}
        answer = requests.get(f"{oscar.url}/ws/rs/persona/hasRight", params=query, headers=own, timeout=60)
        return bool(answer.json()["success"])

    assert [may("r", 7), may("w", 7), may("r", 12), may("r", 1)] == [True, False, False, False]
