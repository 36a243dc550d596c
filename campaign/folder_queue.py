"""The queue that is a folder: nobody reads a message before the whole of it is there.

Kombu opens the file of a message under its name and writes it then. A worker that looks
in between takes an empty file, which is no message, and ends.
"""

import os
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Messages appear whole; one that is damaged is passed over."""

    def _put(self, queue: Any, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        # Workers take the oldest name first, and only names that end in the queue's.
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        whole = Path(self.data_folder_out) / name
        part = whole.with_name(f"{name}.part")
        try:
            part.write_text(dumps(payload), encoding="utf-8")  # type: ignore[no-untyped-call]
            os.replace(part, whole)
        except OSError as error:
            raise ChannelError(f"Cannot put {str(whole)!r} into the queue.") from error

    def _get(self, queue: Any, timeout: Any = None) -> Any:
        # What the message was about stands in the database: it only wakes a worker.
        while True:
            try:
                return super()._get(queue)  # type: ignore[no-untyped-call]
            except ValueError:
                continue


class Transport(filesystem.Transport):
    """Kombu's, with our channel."""

    Channel = Channel
