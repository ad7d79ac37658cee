# Every target makes and keeps .venv by itself; nothing needs to be activated. ARGS="..." is handed on.

.PHONY: help demo test test-time test-newest check audit bench torture findings venv dev

help:
	@echo "make demo     a clinic of 5,000 invented patients, a panel, a submission, and pages to open"
	@echo "make test     all tests, on SQLite and on MariaDB"
	@echo "make check    style, types and the direction of imports"
	@echo "make audit    known vulnerabilities of the packages that the product runs with"
	@echo "make bench    the benchmarks, with their ratios"
	@echo "make torture  the long version of the test that kills processes at random"
	@echo "make findings the scripts in findings/, which show what surprised us in packages of others"

demo: venv
	@.venv/bin/cpar demo $(ARGS)

test:
	@sh scripts/needs.sh mariadb browser nginx tomcat commands systemd
	@sh scripts/venv.sh dev
	.venv/bin/python -m pytest -n logical --dist loadfile $(ARGS)

# After `make test`: what depends on time, by the time zone rules of IANA's 2025b (the package tzdata 2025.2), and by the newest.
TIME_TESTS = tests/domain/test_calendar.py tests/host/test_zone_rules.py tests/host/test_opening.py \
	tests/host/test_roster_visits.py tests/host/test_audit.py tests/panels/test_one_patient.py \
	tests/submission/test_night.py tests/fhirapi/test_search.py tests/snapshot/test_taking.py
OLD_ZONES = $(CURDIR)/.venv/tzdata-2025.2
test-time:
	@sh scripts/needs.sh mariadb
	@sh scripts/venv.sh dev
	@[ -d $(OLD_ZONES) ] || .venv/bin/python -m pip install -q --no-deps --target $(OLD_ZONES) tzdata==2025.2
	CPAR_ZONE_RULES=system PYTHONTZPATH=$(OLD_ZONES)/tzdata/zoneinfo .venv/bin/python -m pytest -n logical --dist loadfile $(TIME_TESTS)
	CPAR_ZONE_RULES=package PYTHONTZPATH= .venv/bin/python -m pytest -n logical --dist loadfile $(TIME_TESTS)

# After `make test`: rules, FHIR, host and connections on the newest Python of this machine.
test-newest:
	@sh scripts/needs.sh mariadb
	@sh scripts/newest.sh

check: dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# Fails for a known vulnerability alone, never because something cannot be reached: see scripts/audit.py.
audit:
	@sh scripts/venv.sh dev
	@sh scripts/audit.sh $(ARGS)

bench:
	@sh scripts/needs.sh mariadb browser nginx tomcat systemd
	@sh scripts/venv.sh dev
	.venv/bin/python -m benchmarks $(ARGS)

torture:
	@sh scripts/needs.sh mariadb
	@sh scripts/venv.sh dev
	.venv/bin/python -m benchmarks.torture $(ARGS)

# Needs the registries of Python, npm and Maven: see findings/README.md.
findings:
	@changed=; for script in findings/*.sh; do echo "$$script"; sh $$script || changed="$$changed $$script"; done; \
	[ -z "$$changed" ] || { echo "not as described any more:$$changed"; exit 1; }

venv:
	@sh scripts/venv.sh demo

dev:
	@sh scripts/venv.sh dev
