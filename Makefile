# Every target makes and keeps .venv by itself; nothing needs to be activated. ARGS="..." is handed on.

# Where it is set, as in many containers, every process of pytest would take apart each file of tests again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help fhir-package demo test large quick conformance test-time test-newest check audit bench torture findings venv dev

help:
	@echo "make demo     a clinic of 5,000 invented patients, a panel, a submission, and pages to open"
	@echo "make test     every rule, on SQLite and on MariaDB, in 20 to 30 minutes on two processors"
	@echo "make large    the tests of a large clinic, of long sequences and of every page; after make test, all is tested"
	@echo "make quick    what most changes break, on SQLite, in a minute"
	@echo "make conformance  HL7's validator and HAPI's client, in Java, and the tests that make up their input, with far more of it"
	@echo "make check    style, types and the direction of imports"
	@echo "make audit    known vulnerabilities of the packages that the product runs with"
	@echo "make bench    the benchmarks, with their ratios"
	@echo "make torture  the long version of the test that kills processes at random"
	@echo "make fhir-package our FHIR definitions as a package that validators load, in dist/"
	@echo "make findings the scripts in findings/, which show what surprised us in packages of others"

demo: venv
	@.venv/bin/cpar demo $(ARGS)

# As many at once as `tests/conftest.py` says; a process that has done its own takes over tests of another.
AT_ONCE = -n logical --dist worksteal

test:
	@sh scripts/needs.sh mariadb driver browser nginx tomcat commands systemd rabbitmq
	@sh scripts/venv.sh dev
	.venv/bin/python -m pytest $(AT_ONCE) -m "not large and not java" $(ARGS)

# What `make test` leaves out, and what makes up its input once more, with more examples: see docs/decisions/0066.
large:
	@sh scripts/needs.sh mariadb driver browser nginx tomcat commands systemd rabbitmq
	@sh scripts/venv.sh dev
	.venv/bin/python -m pytest $(AT_ONCE) -m "(large or hypothesis) and not java" --hypothesis-profile usual $(ARGS)

# No browser, no other server, and of what makes up its input or reads a whole large clinic nothing.
QUICK = tests/domain tests/fhir tests/panels/test_panels.py tests/panels/test_one_patient.py tests/panels/test_answers.py \
	tests/panels/test_patient_list.py tests/submission/test_asking.py tests/submission/test_history.py \
	tests/snapshot/test_differences.py tests/host/test_privileges.py tests/host/test_audit.py tests/fhirapi/test_rest_reading.py \
	tests/pages/test_panels.py tests/pages/test_widget.py tests/project/test_settings_page.py \
	tests/project/test_threat_model.py tests/project/test_plugins.py
quick:
	@sh scripts/venv.sh dev
	.venv/bin/python -m pytest -n $$(nproc) --dist worksteal --database sqlite $(QUICK) $(ARGS)

# Programs in Java, then twenty times as many examples of Hypothesis as `make large`, and many more hostile requests.
GENERATED = $(shell grep -rlE "@given|run_state_machine_as_test|CPAR_TEST_" --include="test_*.py" tests)
conformance:
	@sh scripts/needs.sh mariadb driver java
	@sh scripts/venv.sh dev
	@sh scripts/java.sh
	.venv/bin/python -m pytest --database sqlite tests/java $(ARGS)
	CPAR_TEST_SCHEMATHESIS="$${CPAR_TEST_SCHEMATHESIS:-100 7}" CPAR_TEST_INPUTS="$${CPAR_TEST_INPUTS:-12000 7}" \
	.venv/bin/python -m pytest $(AT_ONCE) --hypothesis-profile thorough $(GENERATED) $(ARGS)

# After `make test`: what depends on time, by the time zone rules of IANA's 2025b (the package tzdata 2025.2), and by the newest.
TIME_TESTS = tests/domain/test_calendar.py tests/host/test_zone_rules.py tests/host/test_opening.py \
	tests/host/test_roster_visits.py tests/host/test_audit.py tests/panels/test_one_patient.py \
	tests/submission/test_night.py tests/fhirapi/test_search.py tests/snapshot/test_taking.py
OLD_ZONES = $(CURDIR)/.venv/tzdata-2025.2
test-time:
	@sh scripts/needs.sh mariadb driver
	@sh scripts/venv.sh dev
	@[ -d $(OLD_ZONES) ] || .venv/bin/python -m pip install -q --no-deps --target $(OLD_ZONES) tzdata==2025.2
	CPAR_ZONE_RULES=system PYTHONTZPATH=$(OLD_ZONES)/tzdata/zoneinfo .venv/bin/python -m pytest $(AT_ONCE) $(TIME_TESTS)
	CPAR_ZONE_RULES=package PYTHONTZPATH= .venv/bin/python -m pytest $(AT_ONCE) $(TIME_TESTS)

# After `make test`: rules, FHIR, host and connections on the newest Python of this machine.
test-newest:
	@sh scripts/needs.sh mariadb driver
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
	@sh scripts/needs.sh mariadb driver browser nginx tomcat systemd
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

# Names and addresses are settings of whoever publishes it: ARGS="--set fhir_package_id=... --set uri_definitions=...".
fhir-package: venv
	@.venv/bin/cpar fhir-package --out dist $(ARGS)

venv:
	@sh scripts/venv.sh demo

dev:
	@sh scripts/venv.sh dev
