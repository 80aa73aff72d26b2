"""One Moldau broker as a process, with the same settings as broker.ApacheKafka writes."""

import pathlib
import socket
import subprocess
import time

from .broker import ApacheKafka


class Moldau(ApacheKafka):
    """ApacheKafka's face over `BINARY start --config server.properties`. Formats its directory itself when it is fresh."""

    def __init__(self, binary, directory, settings: dict | None = None, **options):
        super().__init__(directory, {"moldau.http.listen": "", **(settings or {})}, **options)
        self._binary = pathlib.Path(binary).resolve()
        self.log = self.directory / "moldau.log"

    def format(self, cluster_id: str = "", *options: str) -> str:
        raise NotImplementedError("moldau start formats a fresh directory")

    def start(self, timeout: float = 30) -> "Moldau":
        self.write_properties()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen([self._binary, "start", "--config", self.properties], stdout=log,
                                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.directory)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"moldau ended with {self._process.returncode}:\n{self.log_tail()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"moldau did not listen after {timeout} s:\n{self.log_tail()}")
