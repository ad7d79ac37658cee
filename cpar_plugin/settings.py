"""The settings of the plugin, read from the host's settings and checked once at start."""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .domain.calendar import Calendar
from .domain.coverage import CoverageRules, CoverageUse, UnknownCoverage
from .domain.export import Dialect
from .domain.four_cut import FourCutRules, word
from .domain.guard import GuardLimits, Releaser, WindowEnd
from .domain.refusals import Refused

_INFOWAY = "https://fhir.infoway-inforoute.ca/NamingSystem"
# Placeholders: the ministry has published no URI for these. See docs/reference/settings.md.
_PLACEHOLDER = "https://cpar.invalid"
_Model = TypeVar("_Model", bound=BaseModel)
LookLines = Literal["page", "patient"]
_LONGEST_DAYS = 36_500  # a hundred years: what is subtracted from a date must leave one
_LONGEST_HOURS = 24 * 365
_SHORTEST_SECRET = 32
_BASE_URL = re.compile(r"https?://[A-Za-z0-9._~:/\[\]%-]+[A-Za-z0-9\]]")


class Settings(BaseModel):
    """Every setting with its default. The field's name is the setting's name."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    # Calendar (days of the month; 31 is the month's last day)
    night_run_at: time = time(3, 15)
    catch_up_until: time = time(6, 0)
    automatic_day: int = 7
    blackout_first_day: int = 20
    blackout_last_day: int = 31

    # Rules
    given_name_required: bool = False
    coverage: CoverageUse = CoverageUse.CAUTION
    coverage_unknown: UnknownCoverage = UnknownCoverage.ZERO
    coverage_ends_within_days: int = Field(default=30, ge=0, le=_LONGEST_DAYS)
    unconfirmed_months: int = Field(default=12, ge=1)
    hold_percent: float = Field(default=10, ge=0, le=100)
    hold_reason_percent: float = Field(default=5, ge=0, le=100)
    hold_least_patients: int = Field(default=20, ge=1)
    hold_window_end: WindowEnd = WindowEnd.SEND
    hold_release_by: Releaser = Releaser.ONE
    rehearsal_days: int = Field(default=3, ge=0, le=27)
    four_cut_months: int = Field(default=24, ge=12, le=36)
    four_cut_statuses: str = ""
    four_cut_visit_types: str = ""
    four_cut_providers: str = ""
    four_cut_physicals: str = "physical, annual physical, complete physical, physical exam"
    continuity_months: int = Field(default=12, ge=1, le=60)
    exclusions_minutes: int = Field(default=15, ge=1)
    report_due_days: int = Field(default=30, ge=0, le=_LONGEST_DAYS)
    claim_seconds: int = Field(default=300, ge=1)

    # Who looked at whom
    look_lines: LookLines = "page"
    record_box: bool = False

    # How long records are kept (services.retention)
    snapshot_keep_days: int = Field(default=730, ge=1, le=_LONGEST_DAYS)
    closed_exclusion_keep_days: int = Field(default=60, ge=1, le=_LONGEST_DAYS)
    look_keep_days: int = Field(default=3650, ge=1, le=_LONGEST_DAYS)
    check_in_keep_days: int = Field(default=730, ge=1, le=_LONGEST_DAYS)
    fhir_read_keep_days: int = Field(default=3650, ge=1, le=_LONGEST_DAYS)
    client_confirmation_keep_days: int = Field(default=730, ge=1, le=_LONGEST_DAYS)
    upload_keep_hours: int = Field(default=24, ge=1, le=_LONGEST_HOURS)
    report_keep_days: int = Field(default=730, ge=1, le=_LONGEST_DAYS)
    subscription_event_keep_days: int = Field(default=30, ge=1, le=_LONGEST_DAYS)
    letter_keep_days: int = Field(default=3650, ge=1, le=_LONGEST_DAYS)
    fhir_export_keep_hours: int = Field(default=24, ge=1, le=_LONGEST_HOURS)

    # Certificates of all that we connect to
    strict_certificates: bool = True

    # How a submission leaves
    panels_at_once: int = Field(default=4, ge=1, le=32)
    draining: bool = False
    scheduler: Literal["host", "fleet", "workers"] = "host"
    transport: Literal["folder", "fhir", "bulk-submit"] = "folder"
    outbox_folder: Path = Path("outbox")
    registry_url: str = ""
    registry_ca_file: str = ""
    registry_client_certificate: str = ""
    registry_client_key: str = ""
    registry_token_url: str = ""
    registry_client_id: str = ""
    registry_client_secret: str = Field(default="", repr=False)
    registry_scope: str = "system/*.write"
    bulk_submit_system: str = ""
    bulk_submit_submitter: str = ""
    bulk_submit_secret: str = Field(default="", repr=False)
    registry_connect_seconds: float = Field(default=10, gt=0)
    registry_read_seconds: float = Field(default=120, gt=0)
    registry_seconds: float = Field(default=300, gt=0)

    # Where people reach the pages, for links in mail
    public_url: str = ""

    # Mail about failed and missed submissions; none without a server
    smtp_host: str = ""
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_starttls: bool = False
    smtp_ca_file: str = ""
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_from: str = ""
    smtp_seconds: float = Field(default=30, gt=0)

    # The FHIR interface, which other systems read from
    fhir_base_url: str = ""
    fhir_token_seconds: int = Field(default=300, ge=1, le=300)
    fhir_tokens_per_minute: int = Field(default=60, ge=1)
    fhir_requests_per_minute: int = Field(default=6000, ge=1)
    fhir_page_size: int = Field(default=50, ge=1)
    fhir_largest_page: int = Field(default=500, ge=1)
    fhir_jwks_ca_file: str = ""
    fhir_jwks_private_networks: bool = False
    fhir_jwks_seconds: float = Field(default=5, gt=0)
    fhir_jwks_again_seconds: float = Field(default=10, gt=0)
    fhir_refresh_minutes: int = Field(default=15, ge=1)
    fhir_export_folder: Path = Path("exports")
    fhir_export_file_resources: int = Field(default=100_000, ge=1)
    fhir_export_manifest_files: int = Field(default=100, ge=1)
    fhir_bulk_data: Dialect = Dialect.STU3

    # Notifications about panels, which clients have subscribed to
    subscription_ca_file: str = ""
    subscription_private_networks: bool = False
    subscription_seconds: float = Field(default=30, gt=0, le=300)

    # What our definitions are published as
    fhir_package_id: str = Field(
        default="invalid.cpar.panels", pattern=r"^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$", max_length=64
    )
    fhir_package_version: str = Field(default="1.0.0", pattern=r"^\d+\.\d+\.\d+(-[A-Za-z0-9.-]+)?$")
    fhir_publisher: str = Field(default="oscar-cpar-plugin", pattern=r"^\S(.*\S)?$")

    # Identifier systems
    uri_phn: str = f"{_INFOWAY}/ca-ab-patient-healthcare-id"
    uri_physician_licence: str = f"{_INFOWAY}/ca-ab-license-physician"
    uri_practitioner_id: str = f"{_PLACEHOLDER}/NamingSystem/practitioner-id"
    uri_practitioner_role: str = f"{_PLACEHOLDER}/NamingSystem/practitioner-role"
    uri_facility_id: str = f"{_PLACEHOLDER}/NamingSystem/facility-id"
    uri_site_id: str = f"{_PLACEHOLDER}/NamingSystem/site-id"
    uri_panel_number: str = f"{_PLACEHOLDER}/NamingSystem/panel-number"
    uri_patient_record: str = f"{_PLACEHOLDER}/NamingSystem/patient-record"
    uri_provider: str = f"{_PLACEHOLDER}/NamingSystem/provider"
    uri_definitions: str = f"{_PLACEHOLDER}/StructureDefinition"
    uri_codes: str = f"{_PLACEHOLDER}/CodeSystem"
    uri_value_sets: str = f"{_PLACEHOLDER}/ValueSet"
    uri_search_parameters: str = f"{_PLACEHOLDER}/SearchParameter"
    uri_operations: str = f"{_PLACEHOLDER}/OperationDefinition"
    uri_topics: str = f"{_PLACEHOLDER}/SubscriptionTopic"
    uri_guides: str = f"{_PLACEHOLDER}/ImplementationGuide"
    uri_views: str = f"{_PLACEHOLDER}/ViewDefinition"

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        if self.transport != "folder" and not self.registry_url:
            raise ValueError(f"registry_url: needed when transport is {self.transport}")
        if self.transport == "bulk-submit":
            needed = ("bulk_submit_system", "bulk_submit_submitter", "bulk_submit_secret", "fhir_base_url")
            if missing := [name for name in needed if not getattr(self, name)]:
                raise ValueError(f"{', '.join(missing)}: needed when transport is bulk-submit")
            if len(self.bulk_submit_secret) < _SHORTEST_SECRET:
                raise ValueError(f"bulk_submit_secret: at least {_SHORTEST_SECRET} random characters")
        if self.registry_token_url and not (self.registry_client_id and self.registry_client_secret):
            raise ValueError("registry_client_id and registry_client_secret: needed with registry_token_url")
        if bool(self.registry_client_certificate) != bool(self.registry_client_key):
            raise ValueError("registry_client_certificate and registry_client_key: set both or neither")
        if self.fhir_base_url and not _BASE_URL.fullmatch(self.fhir_base_url):
            raise ValueError("fhir_base_url: enter it like https://emr.example/fhir")
        if self.public_url and not _BASE_URL.fullmatch(self.public_url):
            raise ValueError("public_url: enter it like https://emr.example/oscar/cpar")
        if self.smtp_host and not self.smtp_from:
            raise ValueError("smtp_from: needed when smtp_host is set")
        return self

    def calendar(self, zone: ZoneInfo) -> Calendar:
        """The calendar in the clinic's zone. Raises Refused for days that contradict each other."""
        return Calendar(
            zone=zone,
            night_run_at=self.night_run_at,
            catch_up_until=self.catch_up_until,
            automatic_day=self.automatic_day,
            blackout_first_day=self.blackout_first_day,
            blackout_last_day=self.blackout_last_day,
        )

    @property
    def guard_limits(self) -> GuardLimits:
        """When a submission is held."""
        return GuardLimits(self.hold_percent, self.hold_reason_percent, self.hold_least_patients)

    @property
    def coverage_rules(self) -> CoverageRules:
        """What is made of the dates of coverage."""
        return CoverageRules(self.coverage, self.coverage_ends_within_days, self.coverage_unknown)

    @property
    def four_cut(self) -> FourCutRules:
        """What the four-cut counts."""
        providers = _listed(self.four_cut_providers)
        of_panels = providers == {"panels"}
        return FourCutRules(
            months=self.four_cut_months,
            statuses=_listed(self.four_cut_statuses),
            visit_types=frozenset(map(word, _listed(self.four_cut_visit_types))),
            provider_ids=frozenset() if of_panels else providers,
            panel_providers_only=of_panels,
            physicals=frozenset(map(word, _listed(self.four_cut_physicals))),
        )

    @property
    def claim_time(self) -> timedelta:
        """How long a worker that no longer answers keeps a submission or an export to itself."""
        return timedelta(seconds=self.claim_seconds)

    @property
    def exclusions_time(self) -> timedelta:
        """How often the list of exclusions is compared with the EMR as a whole."""
        return timedelta(minutes=self.exclusions_minutes)


def _listed(text: str) -> frozenset[str]:
    """What is separated by commas."""
    return frozenset(filter(None, map(str.strip, text.split(","))))


def load(settings: Mapping[str, str]) -> Settings:
    """Read the host's settings. Raises Refused that names every wrong one, never its value."""
    return checked(Settings, settings)


def checked(model: type[_Model], settings: Mapping[str, str]) -> _Model:
    """The settings that a model names, of all there are. Raises Refused that names every wrong one, never its value."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, detail['loc'])) or 'settings'}: {detail['msg']}" for detail in error.errors()]
        raise Refused("Wrong settings. " + "; ".join(lines)) from None
