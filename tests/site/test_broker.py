"""The embedded queue of files."""

from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue

from biofors_site import broker
from biofors_site.broker import clear_control_folder, transport_options


@pytest.fixture
def connection(tmp_path: Path) -> Any:
    """A connection to a queue of its own."""
    with Connection("filesystem://", transport_options=transport_options(tmp_path)) as connection:
        yield connection


def publish(connection: Connection, name: str, *bodies: object) -> None:
    """Send each body to the queue of this name, as Celery does: by the default exchange."""
    with connection.Producer() as producer:
        for body in bodies:
            producer.publish(body, exchange="", routing_key=name, serializer="json")


def drain(connection: Connection, name: str) -> list[Any]:
    """Take everything that waits in the queue of this name."""
    bodies = []
    with connection.SimpleBuffer(Queue(name)) as buffer:
        while True:
            try:
                message = buffer.get_nowait()
            except Empty:
                return bodies
            message.ack()
            bodies.append(message.payload)


def test_messages_arrive_in_the_order_they_were_sent(connection: Connection) -> None:
    publish(connection, "training", *range(20))
    assert drain(connection, "training") == list(range(20))
    assert drain(connection, "training") == []


def test_a_queue_gets_only_its_own_messages(connection: Connection) -> None:
    publish(connection, "training", "train")
    publish(connection, "inference", "infer")
    assert drain(connection, "inference") == ["infer"]
    assert drain(connection, "training") == ["train"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"properties": {}}', b'{"body": "x"}'])
def test_a_damaged_message_is_moved_aside_and_the_next_arrives(
    connection: Connection, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "queue/messages/00000000000000000000_x.training.msg").write_bytes(content)
    publish(connection, "training", "whole")
    assert drain(connection, "training") == ["whole"]
    assert [path.read_bytes() for path in (tmp_path / "queue/corrupt").iterdir()] == [content]


def test_a_message_half_written_is_not_seen(connection: Connection, tmp_path: Path) -> None:
    publish(connection, "training", "whole")
    (tmp_path / "queue/messages/.half").write_bytes(b'{"body"')
    assert drain(connection, "training") == ["whole"]


def test_damaged_bindings_do_not_stop_a_worker_from_binding(connection: Connection, tmp_path: Path) -> None:
    news = Exchange("news", type="fanout")
    (tmp_path / "queue/control/news.exchange").write_bytes(b"")
    with connection.channel() as channel:
        Queue("reader", news).bind(channel).declare()
        connection.Producer(channel).publish("hello", exchange=news, declare=[news], serializer="json")
    assert drain(connection, "reader") == ["hello"]


def test_questions_that_nobody_reads_do_not_pile_up(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 10**18
    monkeypatch.setattr(broker.time, "time_ns", lambda: now)
    publish(connection, "training", "work")
    publish(connection, "dead@host.celery.pidbox", "first")
    now += 59 * 10**9
    publish(connection, "dead@host.celery.pidbox", "second")
    now += 2 * 10**9
    publish(connection, "other@host.celery.pidbox", "third")
    assert drain(connection, "dead@host.celery.pidbox") == ["second"]
    assert drain(connection, "other@host.celery.pidbox") == ["third"]
    assert drain(connection, "training") == ["work"]


def test_a_start_forgets_workers_that_are_gone_but_no_work(connection: Connection, tmp_path: Path) -> None:
    publish(connection, "training", "work", "work of a killed worker")
    (tmp_path / "queue/control/celery.pidbox.exchange").write_text('[["", "", "gone"]]')
    publish(connection, "worker@host.celery.pidbox", "ping")
    messages = tmp_path / "queue/messages"
    killed = sorted(path for path in messages.iterdir() if path.name.endswith(".training.msg"))[1]
    killed.rename(tmp_path / "queue/taken" / killed.name)

    clear_control_folder(tmp_path)

    assert list((tmp_path / "queue/control").iterdir()) == []
    assert drain(connection, "worker@host.celery.pidbox") == []
    assert drain(connection, "training") == ["work", "work of a killed worker"]
