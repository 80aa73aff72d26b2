"""One Apache Kafka 4.3.1 node, broker and controller in one process, on free loopback ports."""

import pathlib
import signal
import socket
import subprocess
import time

from . import jars

READY = "Kafka Server started"
BROKER_JVM = ("-Xms256m", "-Xmx768m", *jars.QUICK_JVM[:3])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ApacheKafka:
    """Owns `directory`: server.properties, data/, broker.log. Use as a context manager, or start() and stop().

    The data directory may exist already (another broker's); then format() must not be called and start() opens it.
    """

    jvm = BROKER_JVM

    def __init__(self, directory, settings: dict | None = None, port: int | None = None, controller_port: int | None = None,
                 data: pathlib.Path | None = None):
        self.directory = pathlib.Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = pathlib.Path(data).resolve() if data else self.directory / "data"
        self.port = port or free_port()
        self.controller_port = controller_port or free_port()
        self.log = self.directory / "broker.log"
        self.properties = self.directory / "server.properties"
        self.settings = settings or {}
        self._process: subprocess.Popen | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def controller(self) -> str:
        return f"127.0.0.1:{self.controller_port}"

    @property
    def formatted(self) -> bool:
        return (self.data / "meta.properties").exists()

    def write_properties(self) -> None:
        listeners = f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}"
        values = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": self.controller,
            "listeners": listeners,
            "advertised.listeners": listeners,
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.data),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            **self.settings,
        }
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in values.items()))

    def format(self, cluster_id: str = "", *options: str) -> str:
        """StorageTool format --standalone; returns the cluster id."""
        self.write_properties()
        if not cluster_id:
            cluster_id = jars.run_java("kafka.tools.StorageTool", "random-uuid").stdout.decode().strip()
        done = jars.run_java("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster_id, "-c",
                             self.properties, *options)
        if done.returncode != 0:
            raise RuntimeError(f"StorageTool format: {done.stdout.decode()}{done.stderr.decode()}")
        return cluster_id

    def start(self, timeout: float = 240) -> "ApacheKafka":
        if not self.formatted:
            self.format()
        self.write_properties()
        with open(self.log, "ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                jars.java_command("kafka.Kafka", self.properties, jvm=self.jvm, log_level="INFO"),
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.directory,
            )
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with open(self.log, "rb") as log:
                log.seek(begin)
                if READY.encode() in log.read():
                    return self
            if self._process.poll() is not None:
                raise RuntimeError(f"Apache Kafka ended with {self._process.returncode}:\n{self.log_tail()}")
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"Apache Kafka was not ready after {timeout} s:\n{self.log_tail()}")

    def stop(self, timeout: float = 60) -> None:
        """A clean stop (SIGTERM)."""
        self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL, 10)

    def _end(self, how: signal.Signals, timeout: float) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise RuntimeError(f"Apache Kafka did not stop in {timeout} s; killed") from None
        self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log_tail(self, lines: int = 8) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def log_lines(self, *levels: str) -> list[str]:
        """Lines of the broker's log at these levels (ERROR, WARN, FATAL)."""
        wanted = tuple(f"] {level} " for level in levels)
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if any(mark in line[:48] for mark in wanted)]

    def __enter__(self) -> "ApacheKafka":
        return self.start()

    def __exit__(self, *_) -> None:
        if self._process is not None:
            try:
                self.stop()
            except RuntimeError:
                self.kill()


