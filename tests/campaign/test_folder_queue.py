"""The queue that is a folder, read while it is written."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Any]:
    names = ("data_folder_in", "data_folder_out", "control_folder")
    options = {name: str(tmp_path) for name in names}
    with Connection("filesystem://", transport_options=options) as connection:
        yield connection.channel()


def test_the_queue_of_a_site_without_a_broker_is_ours() -> None:
    assert Connection("filesystem://").transport.__module__ == "campaign.folder_queue"


def test_nobody_takes_a_message_before_the_whole_of_it_is_there(
    channel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker looks after each step of writing: it finds nothing, or the message."""
    took: list[Any] = []

    def look() -> None:
        with suppress(Empty):
            took.append(channel._get("work"))

    def looking(step: Any) -> Any:
        def stepped(*args: Any, **kwargs: Any) -> Any:
            look()
            done = step(*args, **kwargs)
            look()
            return done

        return stepped

    monkeypatch.setattr(Path, "write_text", looking(Path.write_text))
    monkeypatch.setattr(os, "replace", looking(os.replace))
    channel._put("work", {"number": 1})
    assert took == [{"number": 1}]
    assert [*tmp_path.iterdir()] == []


def test_many_are_put_while_another_takes(channel: Any) -> None:
    took, ended = [], threading.Event()

    def take() -> None:
        while True:
            was_ended = ended.is_set()
            try:
                took.append(channel._get("work")["number"])
            except Empty:
                if was_ended:
                    return

    worker = threading.Thread(target=take)
    worker.start()
    for number in range(500):
        channel._put("work", {"number": number})
    ended.set()
    worker.join(120)
    assert sorted(took) == [*range(500)]


def test_a_damaged_message_is_passed_over(channel: Any, tmp_path: Path) -> None:
    (tmp_path / "0_a.work.msg").write_bytes(b"")
    (tmp_path / "0_b.work.msg").write_bytes(b"\xff{")
    channel._put("work", {"number": 1})
    assert channel._get("work") == {"number": 1}
    with pytest.raises(Empty):
        channel._get("work")
