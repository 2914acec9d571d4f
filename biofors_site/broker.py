"""The embedded queue: Celery messages as files in the data directory, written whole or not at all.

kombu's own file transport writes a message in place, so a worker may read half of one, and an empty or
damaged file ends the worker (kombu #1551). Here a message is written to a hidden name, synced and renamed;
names sort by wall clock, also across a restart of the machine; damaged files are moved aside.
"""

import fcntl
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem, virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

POLLING_INTERVAL = 0.1
# Questions to workers and their answers; the mailbox of a dead worker is never emptied.
PIDBOX = "pidbox"
PIDBOX_SECONDS = 60
Table = list[list[str]]


def transport_options(data_dir: Path) -> dict[str, object]:
    """Return Celery's broker_transport_options for a queue under this data directory, making its folders."""
    queue = data_dir / "queue"
    for name in ("messages", "taken", "control", "corrupt"):
        (queue / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(queue / "messages"),
        "data_folder_out": str(queue / "messages"),
        "processed_folder": str(queue / "taken"),
        "corrupt_folder": str(queue / "corrupt"),
        "control_folder": str(queue / "control"),
        "polling_interval": POLLING_INTERVAL,
    }


def clear_control_folder(data_dir: Path) -> None:
    """Forget the bindings and control messages of workers that are gone; call it before any worker starts.

    Messages a killed worker had taken and not yet read are put back.
    """
    options = transport_options(data_dir)
    for path in Path(str(options["control_folder"])).iterdir():
        path.unlink(missing_ok=True)
    messages = Path(str(options["data_folder_in"]))
    for path in Path(str(options["processed_folder"])).iterdir():
        path.replace(messages / path.name)
    for path in messages.iterdir():
        if path.name.startswith(".") or PIDBOX in path.name or "celeryev" in path.name:
            path.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either absent or complete under its name, whatever is killed when."""
    hidden = path.with_name(f".{uuid.uuid4().hex}")
    try:
        with hidden.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def _message(data: bytes) -> dict[str, Any]:
    """Return the message these bytes hold; raises ValueError where they hold none."""
    payload = loads(data.decode())
    if not isinstance(payload, dict) or not isinstance(payload.get("properties"), dict):
        raise ValueError("not a message")
    if "delivery_tag" not in payload["properties"] or not isinstance(payload.get("body"), str):
        raise ValueError("not a whole message")
    return payload


class Channel(filesystem.Channel):
    """A channel whose queues are files, each written whole."""

    @property
    def messages(self) -> Path:
        """The folder of messages that wait."""
        return Path(self.data_folder_in)

    @property
    def corrupt(self) -> Path:
        """The folder of files that were no messages."""
        return Path(self.transport_options["corrupt_folder"])

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: object) -> None:
        """Add a message to the queue."""
        if PIDBOX in queue:
            self._forget_old_questions()
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        write_whole(Path(self.data_folder_out) / name, dumps(payload).encode())

    def _forget_old_questions(self) -> None:
        """Remove questions and answers that nobody has read in time."""
        oldest = f"{time.time_ns() - PIDBOX_SECONDS * 10**9:020d}"
        for path in self.messages.iterdir():
            if PIDBOX in path.name and path.name < oldest:
                path.unlink(missing_ok=True)

    def _get(self, queue: str) -> dict[str, Any]:
        """Take the oldest message of the queue; raises Empty."""
        for name in sorted(path.name for path in self.messages.iterdir()):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = Path(self.processed_folder) / name
            try:
                (self.messages / name).rename(taken)
            except FileNotFoundError:
                continue  # another worker was quicker
            try:
                payload = _message(taken.read_bytes())
            except ValueError as error:
                taken.replace(self.corrupt / name)
                logger.error("Message %s moved to %s: %s", name, self.corrupt.name, error)
                continue
            taken.unlink()
            return payload
        raise Empty

    def get_table(self, exchange: str) -> list[filesystem.exchange_queue_t]:
        """Return the queues bound to an exchange."""
        return [filesystem.exchange_queue_t(*entry) for entry in self._read_table(exchange)]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Bind a queue to an exchange."""
        entry = [routing_key or "", pattern or "", queue or ""]
        self._change_table(exchange, lambda table: table if entry in table else [entry, *table])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: object, **_: object
    ) -> None:
        """Delete a queue: its messages and its binding."""
        virtual.Channel._delete(self, queue, exchange, routing_key, pattern, *args)
        entry = [routing_key or "", pattern or "", queue or ""]
        self._change_table(exchange, lambda table: [other for other in table if other != entry])

    def _read_table(self, exchange: str) -> Table:
        """Return the bindings kept for an exchange; damaged ones count as none, workers bind again."""
        try:
            table = json.loads(self._exchange_file(exchange).read_bytes())
            return [[str(key), str(pattern), str(queue)] for key, pattern, queue in table]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            logger.error("The bindings of %s were damaged and are dropped: %s", exchange, error)
            return []

    def _change_table(self, exchange: str, change: Callable[[Table], Table]) -> None:
        """Replace the bindings of an exchange, one process at a time."""
        path = self._exchange_file(exchange)
        with self._locked(path):
            before = self._read_table(exchange)
            after = change(before)
            if after != before:
                write_whole(path, json.dumps(after).encode())

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Hold the lock that guards this file; it ends with the process."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    """The file transport with whole messages; it stands in for kombu's under `filesystem://`."""

    Channel = Channel
    global_state = virtual.BrokerState()


TRANSPORT_ALIASES["filesystem"] = "biofors_site.broker:Transport"
