"""Opening a host from arguments, from the environment and from a settings file."""

import datetime as dt
import os
import subprocess
import sys

import pytest
from markupsafe import Markup
from sqlalchemy import select

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.host_kit.clock import FixedClock, SystemClock
from cpar_plugin.host_kit.pages import PlainPages
from oscar_host.host import from_environment, open_host

from ..conftest import ALBERTA


@pytest.fixture
def set_environment(monkeypatch, tmp_path):
    """Only these CPAR_* variables."""

    def replace(**variables: str) -> None:
        for name in [name for name in os.environ if name.startswith("CPAR_")]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return replace


def test_opening_connects_to_nothing(tmp_path):
    open_host(f"sqlite:///{tmp_path}/clinic.db")
    assert list(tmp_path.iterdir()) == []


def test_the_environment_opens_the_same_host_in_another_process(host, oscar, environment):
    oscar.provider("101", last_name="Ito")
    program = (
        "from oscar_host.host import from_environment\n"
        "from sqlalchemy import select\n"
        "host = from_environment()\n"
        "with host.database.engine.connect() as connection:\n"
        "    print(connection.scalar(select(host.roster.providers().c.family_name)))\n"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CPAR_")}
    result = subprocess.run([sys.executable, "-c", program], env=plain | environment, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("Ito\n", "")


def test_the_environment_goes_before_the_settings_file(set_environment, tmp_path):
    file = tmp_path / "cpar.ini"
    file.write_text("[cpar]\ndatabase_url = sqlite:///nowhere.db\ntransport = fhir\nregistry_client_secret = 50%(x)\n")
    set_environment(
        CPAR_SETTINGS=str(file), CPAR_DATABASE_URL=f"sqlite:///{tmp_path}/clinic.db", CPAR_TRANSPORT="folder"
    )
    host = from_environment()
    assert host.database.engine.url.database == f"{tmp_path}/clinic.db"
    assert host.settings == {"transport": "folder", "registry_client_secret": "50%(x)"}


def test_secrets_do_not_show_in_what_the_host_prints(tmp_path):
    host = open_host("mysql://cpar:hush@localhost/cpar", settings={"registry_client_secret": "hush"})
    assert "hush" not in repr(host)


def test_without_a_database_the_environment_says_what_to_set(set_environment):
    set_environment()
    with pytest.raises(Refused, match="Set CPAR_DATABASE_URL"):
        from_environment()


def test_a_settings_file_that_is_not_there_is_named(set_environment, tmp_path):
    set_environment(CPAR_SETTINGS=str(tmp_path / "none.ini"))
    with pytest.raises(Refused, match=r"none\.ini cannot be read"):
        from_environment()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", r"INI file with a section \[cpar\]"),
        (b"[other]\na=1", r"INI file with a section \[cpar\]"),
        (b"no section", r"INI file with a section \[cpar\]"),
        (b"[cpar]\na=1\na=2", "Line 3: a is there already"),
        (b"[cpar]\na=1\n[cpar]", r"Line 3: the section \[cpar\] is there already"),
        (b"[cpar]\nsecret", "Line 2: write a setting as name = value"),
        (b"[cpar]\nname=\xff", "not text in UTF-8"),
    ],
)
def test_a_settings_file_of_another_form_is_named_with_its_fault(set_environment, tmp_path, content, fault):
    file = tmp_path / "cpar.ini"
    file.write_bytes(content)
    set_environment(CPAR_SETTINGS=str(file))
    with pytest.raises(Refused, match=rf"cpar\.ini.*{fault}") as refused:
        from_environment()
    assert "secret" not in str(refused.value)


def test_a_setting_may_say_which_file_or_variable_holds_it(set_environment, tmp_path):
    secret, file = tmp_path / "url", tmp_path / "cpar.ini"
    secret.write_text(f"sqlite:///{tmp_path}/clinic.db\n", encoding="utf-8")
    file.write_text(f"[cpar]\ndatabase_url = file:{secret}\nsmtp_password = env:SMTP_SECRET", encoding="utf-8")
    set_environment(CPAR_SETTINGS=str(file), SMTP_SECRET="hush")
    with from_environment() as host:
        assert host.database.engine.url.database == f"{tmp_path}/clinic.db"
        assert host.settings["smtp_password"] == "hush"


def test_a_file_that_is_too_long_for_a_setting_is_named(set_environment, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(65537))
    set_environment(CPAR_DATABASE_URL=f"file:{tmp_path}/secret")
    with pytest.raises(Refused, match="secret is too long for a setting"):
        from_environment()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("file:/nowhere/secret", r"database_url: the file /nowhere/secret cannot be read \(No such file"),
        ("file:secret", "database_url: write the whole path"),
        ("file:/dev/zero", r"database_url: the file /dev/zero cannot be read \(not a plain file\)"),
        ("env:NOT_SET_AT_ALL", "database_url: the environment variable NOT_SET_AT_ALL is not set"),
        ("env:a b", "database_url: write the name of an environment variable"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named_with_its_setting(set_environment, reference, message):
    set_environment(CPAR_DATABASE_URL=reference)
    with pytest.raises(Refused, match=message):
        from_environment()


def test_one_clinic_alone_loads_nothing_of_a_fleet(tmp_path):
    program = (
        "import sys\n"
        "from oscar_host.host import from_environment\n"
        "import oscar_host.sidecar.app, cpar_plugin.commands, oscar_host.commands\n"
        "from_environment().close()\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('celery', 'kombu') or 'fleet' in name])\n"
    )
    environment = {**os.environ, "CPAR_DATABASE_URL": f"sqlite:///{tmp_path}/clinic.db"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_a_server_that_stays_does_not_hold_what_brings_tables_up_to_date():
    program = (
        "import sys\n"
        "import oscar_host.sidecar\n"
        "print([name for name in ('alembic', 'mako', 'pygments') if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_a_server_whose_tables_cannot_be_brought_up_to_date_does_not_start_and_says_why():
    program = "import oscar_host.sidecar; oscar_host.sidecar.app()"
    environment = {**os.environ, "CPAR_DATABASE_URL": "sqlite:////nowhere/clinic.db"}
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert "Error: The tables were not created or updated: OperationalError" in result.stderr
    assert "Refused: The tables were not created or updated: see the message before this one." in result.stderr


def test_the_clock_can_be_set_for_trying_out(set_environment, tmp_path):
    url = f"sqlite:///{tmp_path}/clinic.db"
    set_environment(CPAR_DATABASE_URL=url, CPAR_NOW="2026-11-07T03:15", CPAR_TIME_ZONE="America/Regina")
    now = from_environment().clock.now()
    assert now.isoformat() == "2026-11-07T09:15:00+00:00"
    for wrong in ("in the morning", "9999-12-31T23:59"):
        set_environment(CPAR_DATABASE_URL=url, CPAR_NOW=wrong)
        with pytest.raises(Refused, match="CPAR_NOW"):
            from_environment()


def test_a_database_url_with_an_unknown_option_is_refused():
    open_host("mysql+pymysql://cpar@localhost/cpar?ssl_ca=/etc/ca.pem&ssl_check_hostname=true&unix_socket=/run/x")
    with pytest.raises(Refused, match="does not know: timeuot"):
        open_host("mysql+pymysql://cpar@localhost/cpar?timeuot=5")


@pytest.mark.parametrize("option", ["ssl_verify_identity", "ssl_verify_cert"])
def test_a_database_url_with_an_option_that_undoes_ssl_ca_is_refused(option):
    with pytest.raises(Refused, match=f"Leave {option} out"):
        open_host(f"mysql+pymysql://cpar@localhost/cpar?ssl_ca=/etc/ca.pem&{option}=true")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc/localtime"])
def test_a_time_zone_that_is_none_is_refused(zone, tmp_path):
    with pytest.raises(Refused, match="America/Edmonton"):
        open_host(f"sqlite:///{tmp_path}/clinic.db", settings={"time_zone": zone})


def test_the_clock_returns_moments_in_utc_and_knows_the_zone_of_alberta():
    now = SystemClock().now()
    assert (now.tzinfo, SystemClock().zone) == (dt.UTC, ALBERTA)
    assert abs(now - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


def test_a_fixed_clock_does_not_move_until_it_is_moved():
    clock = FixedClock(dt.datetime(2026, 7, 1, 18, 0, tzinfo=dt.UTC))
    assert clock.now().isoformat() == "2026-07-01T18:00:00+00:00"
    clock.move_to(dt.datetime(2026, 7, 2, 3, 15))  # noqa: DTZ001  # the clinic's time
    assert clock.now().isoformat() == "2026-07-02T09:15:00+00:00"


def test_without_the_emrs_tables_the_roster_says_what_to_do(place):
    host = open_host(place.url, host_schema=place.host_schema)
    with pytest.raises(Refused, match="CPAR_HOST_SCHEMA"):
        host.roster.patients()
    host.tables.metadata.create_all(host.database.engine)
    with host.database.engine.connect() as connection:
        assert connection.execute(select(host.roster.patients())).all() == []
    host.database.engine.dispose()


def test_a_plain_page_escapes_its_title_and_not_its_body():
    page = PlainPages().render(title="A <b>", body=Markup("<p>x</p>"), section="cpar")
    assert "<title>A &lt;b&gt;</title>" in page
    assert "<p>x</p>" in page
    assert PlainPages().sign_in_href("/a?b=1&c") == "/sign-in?next=%2Fa%3Fb%3D1%26c"
    assert PlainPages().patient_href(7) == "/patients/7"
