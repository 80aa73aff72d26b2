"""One Moldau node as a process, with the same settings as broker.ApacheKafka writes."""

import pathlib
import subprocess
import time

from .broker import ApacheKafka

READY = b"moldau ready: "


class Moldau(ApacheKafka):
    """ApacheKafka's face over `BINARY start --config server.properties`; a fresh directory is formatted first."""

    def __init__(self, binary, directory, settings: dict | None = None, **options):
        super().__init__(directory, {"moldau.http.listen": "", **(settings or {})}, **options)
        self._binary = pathlib.Path(binary).resolve()
        if not self._binary.is_file():
            raise RuntimeError(f"there is no binary {self._binary}")
        self.log = self.directory / "moldau.log"

    def format(self, cluster_id: str = "", *options: str) -> str:
        """moldau format; returns the cluster id."""
        self.write_properties()
        done = subprocess.run([self._binary, "format", "--config", self.properties, "--cluster-id", cluster_id or "new", *options],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"moldau format: {done.stdout}{done.stderr}")
        lines = (self.data / "meta.properties").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))

    def start(self, timeout: float = 60) -> "Moldau":
        if not self.formatted:
            self.format()
        self.write_properties()
        with open(self.log, "ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen([self._binary, "start", "--config", self.properties], stdout=log,
                                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.directory)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with open(self.log, "rb") as log:
                log.seek(begin)
                if READY in log.read():
                    return self
            if self._process.poll() is not None:
                raise RuntimeError(f"moldau ended with {self._process.returncode}:\n{self.log_tail()}")
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"moldau was not ready after {timeout} s:\n{self.log_tail()}")
