"""The fleet's night as Prometheus metrics. Labels name clinics and states, never panels or people."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from cpar_plugin.services.submissions.night_counts import NightCounts
from cpar_plugin.services.submissions.texts import Stage

from .lines import FleetNight, NightState


class _Night(Collector):
    def __init__(self, night: FleetNight) -> None:
        self._night = night

    def collect(self) -> Iterator[Metric]:
        night = self._night
        clinics = GaugeMetricFamily("cpar_fleet_clinics", "Clinics by state.", labels=["state"])
        for state in NightState:
            clinics.add_metric([_label(state.name)], sum(line.state is state for line in night.lines))
        yield clinics
        yield GaugeMetricFamily("cpar_fleet_panels_in_progress", "Panels in progress.", night.in_progress)
        if night.left is not None:
            text = "Seconds until the panels in progress have finished, by the pace of the last 15 minutes."
            yield GaugeMetricFamily("cpar_fleet_seconds_left", text, night.left.total_seconds())
        up = GaugeMetricFamily("cpar_clinic_up", "1 where the clinic's database was read.", labels=["clinic"])
        panels = GaugeMetricFamily("cpar_clinic_panels", "Live panels.", labels=["clinic"])
        heartbeat = GaugeMetricFamily(
            "cpar_clinic_heartbeat_timestamp_seconds", "When a worker last did the clinic's work.", labels=["clinic"]
        )
        began = GaugeMetricFamily(
            "cpar_clinic_night_run_timestamp_seconds", "When the last night run began.", labels=["clinic"]
        )
        submissions = GaugeMetricFamily(
            "cpar_clinic_night_panels", "Panels of the last night by what became of them.", labels=["clinic", "state"]
        )
        for line in night.lines:
            up.add_metric([line.name], line.counts is not None and line.unreadable_since is None)
            if line.counts is None:
                continue
            panels.add_metric([line.name], line.counts.panels)
            if line.counts.beat_at:
                heartbeat.add_metric([line.name], line.counts.beat_at.timestamp())
            if line.counts.began_at:
                began.add_metric([line.name], line.counts.began_at.timestamp())
            for name, count in _states(line.counts):
                submissions.add_metric([line.name, name], count)
        yield from (up, panels, heartbeat, began, submissions)


def _states(counts: NightCounts) -> Iterator[tuple[str, int]]:
    yield "in_progress", counts.in_progress
    yield "retried", counts.retried
    for stage in (Stage.DELIVERED, Stage.HELD, Stage.FAILED, Stage.NOTHING_TO_SEND):
        yield _label(stage.name), counts.of(stage)


def _label(name: str) -> str:
    return name.lower()


def metrics(night: FleetNight, accepted: str) -> tuple[bytes, str]:
    """With their content type: Prometheus's text format, or OpenMetrics where the header Accept prefers it."""
    registry = CollectorRegistry()
    registry.register(_Night(night))
    encode, content_type = choose_encoder(accepted)
    return encode(registry), content_type
