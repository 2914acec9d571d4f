"""Brokers that die, come back empty, or are down: no run is lost, and consuming begins again by itself."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from biofors_site.serving import wait_until_answers, web_command
from tests.faults.installation import EPOCHS, Installation
from tests.faults.servers import Redis, free_port, until

pytestmark = [pytest.mark.slow, pytest.mark.keras]
COMES_BACK_WITHIN = 60.0


def test_a_redis_that_comes_back_empty_loses_no_run(servers: Installation, redis: Redis) -> None:
    servers.start_reaper()
    servers.start_worker()
    first = servers.queue_run("first")
    second = servers.queue_run("second")
    servers.wait_for_epoch(first)
    redis.kill()
    servers.wait_for(first, "succeeded", "failed", "dead")
    servers.assert_one_version(first)
    redis.start()
    servers.wait_for(second, "running", seconds=COMES_BACK_WITHIN)
    assert servers.run(second)["attempt"] == 1


def test_an_idle_worker_consumes_again_after_its_redis_was_restarted(
    servers: Installation, redis: Redis
) -> None:
    servers.start_reaper()
    servers.start_worker()
    until(lambda: _is_alive(servers), what="the worker")
    redis.kill()
    until(lambda: "Cannot connect to redis" in servers.logs(), what="a worker that misses its Redis")
    redis.start()
    run = servers.queue_run()
    servers.wait_for(run, "running", seconds=COMES_BACK_WITHIN)
    assert servers.run(run)["attempt"] == 1


def _is_alive(installation: Installation) -> bool:
    """Whether a training worker answers."""
    asked = "from training_jobs.workers import alive_workers; print(len(alive_workers('training')))"
    return installation.manage("shell", "-v", "0", "-c", asked).strip().endswith("1")


@contextlib.contextmanager
def broken_broker(installation: Installation, redis: Redis | None) -> Iterator[None]:
    """Let the broker be down: Redis ended, or a file where the folder of messages was."""
    if redis is not None:
        redis.kill()
        yield
        redis.start()
        return
    messages = installation.data_dir / "queue" / "messages"
    aside = messages.rename(messages.with_name("aside"))
    messages.touch()
    yield
    messages.unlink()
    aside.rename(messages)


@pytest.fixture
def broker(request: pytest.FixtureRequest, installation: Installation) -> Redis | None:
    """The Redis of an installation that has one."""
    return request.getfixturevalue("redis") if "DATABASE_URL" in installation.environment else None


def serve_web(installation: Installation, port: int) -> str:
    """Start the web server; return its address once it answers."""
    installation.start(f"web-{port}", *web_command(host="127.0.0.1", port=port))
    url = f"http://127.0.0.1:{port}"
    assert wait_until_answers(f"{url}/healthz"), installation.logs()
    return url


def test_a_run_that_is_asked_for_while_the_broker_is_down_is_accepted_and_runs_later(
    installation: Installation, broker: Redis | None
) -> None:
    token = installation.manage("create_token", "admin").split()[-1]
    url = serve_web(installation, free_port())
    with broken_broker(installation, broker):
        body = {
            "split": "panels/s",
            "architecture": "cnn",
            "config": {
                "layout": "pooled",
                "epochs": 1,
                "image_size": 32,
                "batch_size": 16,
                "drawn_papers": 0,
            },
        }
        asked = urllib.request.Request(
            f"{url}/api/v1/training-runs/",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Token {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert answer.status == 202
            run = int(json.loads(answer.read())["id"])
    installation.start_reaper()
    installation.start_worker()
    installation.wait_for(run, "succeeded", "failed", "dead")
    installation.assert_one_version(run)


def test_a_web_process_that_is_restarted_does_not_disturb_a_run(installation: Installation) -> None:
    installation.start_reaper()
    installation.start_worker()
    web = installation.start("web", *web_command(host="127.0.0.1", port=free_port()))
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    web.kill()
    web.wait()
    serve_web(installation, free_port())
    installation.wait_for(run, "succeeded", "failed", "dead")
    assert installation.run(run)["attempt"] == 1
    installation.assert_one_version(run)


def test_a_database_that_is_locked_for_a_while_costs_no_run(installation: Installation) -> None:
    installation.start_reaper()
    installation.start_worker()
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    with installation.connected() as opened:
        if "DATABASE_URL" in installation.environment:
            opened.execute("LOCK TABLE training_jobs_trainingrun IN EXCLUSIVE MODE")
        else:
            opened.execute("PRAGMA busy_timeout = 30000")
            opened.execute("BEGIN IMMEDIATE")
        time.sleep(20)
        opened.execute("ROLLBACK")
    installation.wait_for(run, "succeeded", "failed", "dead")
    installation.assert_one_version(run)
    epochs = installation.rows("SELECT max(epoch) FROM training_jobs_epochmetric")
    assert epochs == [(EPOCHS,)]


def test_a_worker_that_silently_stops_consuming_ends_to_be_started_again(installation: Installation) -> None:
    installation.start_reaper()
    worker = installation.start_worker()
    until(lambda: _is_alive(installation), what="the worker")
    deafen = "from celery import current_app as app; app.control.cancel_consumer('training', reply=True)"
    installation.manage("shell", "-c", deafen)
    run = installation.queue_run()
    until(lambda: worker.poll() is not None, what="the end of a deaf worker", seconds=COMES_BACK_WITHIN)
    assert installation.run(run)["attempt"] == 0
    installation.start_worker("next")
    installation.wait_for(run, "running")
