"""What users request on pages reaches the workers at once, in a queue of its own."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import Client

from cpar_plugin.hooks import Actor
from cpar_plugin.services.submissions import requests
from cpar_plugin.settings import load
from cpar_plugin.store.tables import panel
from oscar_host.demo.rabbitmq import PrivateRabbitMQ
from oscar_host.fleet.application import FleetApplication
from oscar_host.fleet.work.celery_app import LOOK, celery_app
from oscar_host.fleet.work.depths import Depths
from oscar_host.host import from_settings

from ...conftest import ALBERTA
from ...waiting import wait_until
from ..conftest import Folder, MakeDatabase
from .conftest import FleetAtWork

MANAGER = Actor(actor_id="101", display_name="No101 Doctor")


def wait_for(depths: Depths, **expected: int) -> None:
    wait_until(
        lambda: {queue.rpartition(".")[2]: depth for queue, depth in depths.now().items()} == expected, every=0.2
    )


@pytest.mark.databases("one")
def test_a_press_on_the_pages_of_submissions_calls_the_workers_and_reading_does_not(
    folder: Folder, broker: PrivateRabbitMQ
) -> None:
    folder.write(f"broker_url = {broker.url}")
    folder.add("north")
    clinics = folder.read()
    depths, application = Depths(celery_app(clinics.settings)), FleetApplication(clinics)
    client = Client(application)
    client.get("/north/cpar/submissions", buffered=True)
    client.post("/north/cpar/panels/new", buffered=True)
    client.post("/north/cpar/submissions/retry", buffered=True)
    wait_for(depths, people=1, night=0, jobs=0)
    application.close()


def test_a_panel_that_a_user_requested_goes_into_the_queue_of_people(
    fleet: FleetAtWork, new_database: MakeDatabase
) -> None:
    fleet.clinic("north", new_database, panels=3)
    engine = fleet.engine()
    clinic = engine.clinics.read().clinic("north")
    evening = datetime.now(ALBERTA) - timedelta(days=1)
    with from_settings({**clinic.settings, "now": evening.isoformat()}) as host:
        with host.database.engine.connect() as connection:
            panel_id = connection.scalar(select(panel.c.panel_id).limit(1))
        requests.ask(host, load(host.settings), MANAGER, panel_id or 0)
    depths = Depths(engine.app)
    depths.now()
    engine.app.tasks[LOOK].apply(args=("north", "trace"))
    wait_for(depths, people=1, night=1, jobs=0)  # two at a time, and the user's first
    engine.hosts.close()
