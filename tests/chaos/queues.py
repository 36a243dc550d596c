"""A queue that is killed and started again: Redis, or RabbitMQ."""

import os
import subprocess
from pathlib import Path

from . import surroundings


class Queue:
    """A Redis or a RabbitMQ of its own, that can be killed and started."""

    def __init__(self, folder: Path, *, is_rabbitmq: bool) -> None:
        self.folder, self.is_rabbitmq = folder, is_rabbitmq
        self.port = surroundings.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        scheme, end = ("amqp", "//") if is_rabbitmq else ("redis", "/0")
        self.url = f"{scheme}://127.0.0.1:{self.port}{end}"

    def start(self) -> None:
        log = self.folder / "queue.log"
        if self.is_rabbitmq:
            # Its script becomes the user rabbitmq, who writes there.
            (self.folder / "rabbit").mkdir(mode=0o777, exist_ok=True)
            (self.folder / "rabbit").chmod(0o777)
            # The machine's own settings name the port of the machine's own server.
            (self.folder / "rabbit" / "own.conf").write_text(
                f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            )
            os.environ |= {
                "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbit" / "own"),
                "RABBITMQ_NODE_PORT": str(self.port),
                "RABBITMQ_NODENAME": f"chaos{self.port}@localhost",
                "RABBITMQ_MNESIA_BASE": str(self.folder / "rabbit"),
                "RABBITMQ_LOG_BASE": str(self.folder / "rabbit"),
                "RABBITMQ_DIST_PORT": str(surroundings.free_port()),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "rabbit/plugins"),
                "ERL_EPMD_PORT": str(surroundings.free_port()),
                "HOME": str(self.folder / "rabbit"),
            }
            command = ["rabbitmq-server"]
        else:
            command = ["redis-server", "--port", str(self.port), "--save", ""]
            command += ["--bind", "127.0.0.1", "--appendonly", "no"]
        self.process = surroundings.start(*command, log=log)
        surroundings.wait_for(self.port)

    def kill(self) -> None:
        if self.process:
            surroundings.kill(self.process)
