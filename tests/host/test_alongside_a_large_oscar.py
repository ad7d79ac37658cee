"""What MariaDB says of the statements that read appointments, with OSCAR's own keys and no others."""

import pytest

from benchmarks.alongside import visits_read, works
from benchmarks.big_clinic import mariadb_host

PATIENTS = 20_000


@pytest.mark.large
def test_nothing_that_a_clinic_does_reads_all_appointments() -> None:
    with mariadb_host() as host:
        for what, work in works(host, PATIENTS).items():
            accesses = visits_read(host, work)
            assert accesses, what
            assert not [access for access in accesses if access.whole], what
