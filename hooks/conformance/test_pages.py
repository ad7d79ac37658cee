"""`Pages`: the host's frame, and addresses within the host."""

from urllib.parse import parse_qsl, urlsplit

from markupsafe import Markup

from .bench import Bench, NewPatient
from .reading import request_of

BODY = Markup('<p class="cpar">Panel <b>0042</b> &amp; more</p>')


def _page(bench: Bench, title: str) -> str:
    with request_of(bench, bench.person(administrator=True)):
        return bench.host.pages.render(title=title, body=BODY, section="CII/CPAR")


def test_a_page_is_complete_and_has_its_title(bench: Bench) -> None:
    page = _page(bench, "Panels of the clinic")
    assert "<html" in page.lower()
    assert "</html>" in page.lower()
    assert "Panels of the clinic" in page


def test_a_title_is_escaped(bench: Bench) -> None:
    assert "<i>Title" not in _page(bench, "<i>Title")


def test_the_body_is_kept_as_it_is(bench: Bench) -> None:
    assert str(BODY) in _page(bench, "Panels")


def test_the_address_of_a_patient_is_a_path_of_their_own(bench: Bench) -> None:
    with request_of(bench, bench.person()):
        addresses = [bench.host.pages.patient_href(bench.patient(NewPatient())) for _ in range(2)]
    assert len(set(addresses)) == 2
    for address in addresses:
        _is_path(address)


def test_the_address_of_the_sign_in_leads_back(bench: Bench) -> None:
    back_to = "/cpar/panels?page=2&sort=name"
    with request_of(bench, None):
        address = bench.host.pages.sign_in_href(back_to)
    _is_path(address)
    assert back_to in dict(parse_qsl(urlsplit(address).query)).values(), "encode the path to come back to"


def _is_path(address: str) -> None:
    parts = urlsplit(address)
    absolute = address.startswith("/") and not address.startswith("//")
    assert absolute and not parts.scheme, f"{address}: an absolute path, so that it leads there from every page"  # noqa: PT018
