#!/usr/bin/env python3
"""The commands of `moldau` as a user meets them: start and stop, topics, format, health, what is refused and how.

usage: cli_test.py [--moldau BINARY]      MOLDAU in the environment is the default
"""

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request

READY = re.compile(r"^moldau ready: (PLAINTEXT://\S+) cluster=(\S+) data=(\S+) http=(http://\S+) in (\d+) ms$", re.M)
START_S = 30
STOP_S = 5
moldau = ""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def free_ports(count):
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def clean_environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
    return {**kept, **more}


def run(*arguments, cwd, powers=True, **environment):
    """A command that ends: exit code, standard output, standard error. Without `powers` root is a user like others."""
    humbly = [] if powers or os.geteuid() != 0 else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run([*humbly, moldau, *map(str, arguments)], cwd=cwd, env=clean_environment(**environment), capture_output=True,
                          text=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def appended(directory):
    """A file without a name that a process writes and this one reads. They share one position: each write goes to the end, or it
    would land wherever a read stands."""
    file = tempfile.TemporaryFile(mode="w+", dir=directory)
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


class Node:
    """`moldau start` in a directory of its own."""

    def __init__(self, cwd, *options, **environment):
        self.cwd = cwd
        self.port, self.controller, self.http = free_ports(3)
        self.arguments = ["start", "--set", f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller}",
                          "--set", f"moldau.http.listen=127.0.0.1:{self.http}", *options]
        self.environment = clean_environment(**environment)
        self.out = self.err = ""
        self.process = None

    def start(self):
        self.out_file = appended(self.cwd)
        self.err_file = appended(self.cwd)
        self.process = subprocess.Popen([moldau, *self.arguments], cwd=self.cwd, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.out_file, stderr=self.err_file)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.read()
            if READY.search(self.out):
                return self
            if self.process.poll() is not None:
                self.read()
                raise AssertionError(f"ended with {self.process.returncode} before it was ready: {self.err}")
            time.sleep(0.02)
        raise AssertionError(f"not ready after {START_S} s: {self.err}")

    def read(self):
        self.out_file.seek(0)
        self.out = self.out_file.read()
        self.err_file.seek(0)
        self.err = self.err_file.read()

    def stop(self, number=signal.SIGTERM):
        """The exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.read()
        return code, time.monotonic() - began

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def topic(self, *arguments):
        return run("topic", *arguments, "--bootstrap-server", f"127.0.0.1:{self.port}", cwd=self.cwd)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


def case_a_node_without_configuration_formats_and_serves(work):
    with Node(work) as node:
        ready = READY.search(node.out)
        check(ready[1] == f"PLAINTEXT://127.0.0.1:{node.port}", f"the ready line: {node.out}")
        check(ready[3] == str(work / "moldau-data"), f"the ready line: {node.out}")
        properties = (work / "moldau-data" / "meta.properties").read_text()
        check(f"cluster.id={ready[2]}" in properties, f"cluster id {ready[2]} is not in {properties}")
        check(int(ready[5]) < 10_000, f"{ready[5]} ms to start")
        check("unknown configuration" not in node.err, f"a warning about our own keys: {node.err}")


def case_topics_are_created_listed_described_and_deleted(work):
    with Node(work) as node:
        code, out, err = node.topic("list")
        check((code, out) == (0, "") and "topic create" in err, f"list of nothing: {code} {out} {err}")
        code, out, err = node.topic("create", "orders", "bills", "--partitions", 3, "--config", "retention.ms=86400000")
        check((code, out) == (0, "created topic orders\ncreated topic bills\n"), f"create: {code} {out} {err}")
        code, out, err = node.topic("list", "--json")
        topics = json.loads(out)
        check([(t["name"], t["partitions"], t["replicationFactor"]) for t in topics] == [("bills", 3, 1), ("orders", 3, 1)], out)
        code, out, err = node.topic("describe", "orders", "--json")
        topic = json.loads(out)[0]
        check(topic["configs"] == {"retention.ms": "86400000"}, out)
        check([p["leader"] for p in topic["partitions"]] == [1, 1, 1], out)
        code, out, err = node.topic("describe")
        check(code == 0 and "topic orders" in out and "topic bills" in out and "retention.ms=86400000" in out, f"{code} {out}")
        code, out, err = node.topic("alter", "orders", "--partitions", 5)
        check((code, out) == (0, "topic orders has 5 partitions now\n"), f"alter: {code} {out} {err}")
        code, out, err = node.topic("describe", "orders", "--json")
        check([p["leader"] for p in json.loads(out)[0]["partitions"]] == [1] * 5, out)
        code, out, err = node.topic("alter", "orders", "--partitions", 2)
        check(code == 1 and "INVALID_PARTITIONS" in err and "never taken away" in err, f"fewer: {code} {err}")
        code, out, err = node.topic("delete", "bills")
        check((code, out) == (0, "deleted topic bills\n"), f"delete: {code} {out} {err}")
        code, out, err = node.topic("list")
        check("orders" in out and "bills" not in out, out)


def case_the_log_tells_the_life_of_a_topic(work):
    with Node(work) as node:
        check(re.match(r"\S+ INFO node moldau \d+\.\d+\.\d+ \(Apache Kafka 4\.3\), node 1, pid \d+, data in \S*moldau-data\n", node.err),
              f"the first line: {node.err}")
        check(node.topic("create", "orders", "--partitions", 3, "--config", "retention.ms=86400000")[0] == 0, "create")
        check(node.topic("delete", "orders")[0] == 0, "delete")
        check(node.stop()[0] == 0, "stop")
        lines = [line.split(" ", 1)[1] for line in node.err.splitlines() if " topics " in line]
        check(len(lines) == 2 and re.match(r"INFO topics topic orders created: partitions 3, .*retention\.ms=86400000", lines[0])
              and lines[1].startswith("INFO topics topic orders deleted"), f"{lines}")
        check("leader -1" not in node.err and "follows in" not in node.err, node.err)
    with Node(work, "--log-level", "info") as node:
        check(node.stop()[0] == 0 and ".snapshot: removed" not in node.err, node.err)


def case_what_the_broker_refuses_ends_with_one(work):
    with Node(work) as node:
        check(node.topic("create", "orders")[0] == 0, "create")
        code, out, err = node.topic("create", "orders")
        check(code == 1 and "TOPIC_ALREADY_EXISTS" in err and "--if-not-exists" in err, f"twice: {code} {err}")
        check(node.topic("create", "orders", "--if-not-exists")[0] == 0, "--if-not-exists")
        code, out, err = node.topic("create", "bad name")
        check(code == 1 and "INVALID_TOPIC_EXCEPTION" in err, f"a bad name: {code} {err}")
        code, out, err = node.topic("create", "more", "--replication-factor", 2)
        check(code == 1 and "INVALID_REPLICATION_FACTOR" in err, f"too many replicas: {code} {err}")
        code, out, err = node.topic("create", "more", "--config", "no.such.key=1")
        check(code == 1 and "INVALID_CONFIG" in err, f"an unknown key: {code} {err}")
        code, out, err = node.topic("describe", "nothing")
        check(code == 1 and "UNKNOWN_TOPIC_OR_PARTITION" in err, f"describe: {code} {err}")
        code, out, err = node.topic("delete", "nothing")
        check(code == 1 and "UNKNOWN_TOPIC_OR_PARTITION" in err, f"delete: {code} {err}")
        check(node.topic("delete", "nothing", "--if-exists")[0] == 0, "--if-exists")


def case_no_broker_says_what_to_do(work):
    port, = free_ports(1)
    code, out, err = run("topic", "list", "--bootstrap-server", f"127.0.0.1:{port}", cwd=work)
    check(code == 1 and "moldau start" in err and f"127.0.0.1:{port} (connection refused)" in err, f"{code} {err}")
    code, out, err = run("topic", "list", "--bootstrap-server", "no-such-host.invalid:9092", "--timeout", 30, cwd=work)
    check(code == 1 and "host name cannot be resolved" in err, f"{code} {err}")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        at = f"127.0.0.1:{silent.getsockname()[1]}"
        code, out, err = run("topic", "list", "--bootstrap-server", at, "--timeout", "0.5", cwd=work)
        check(code == 1 and "timed out after 0.5 s" in err, f"a silent server: {code} {err}")


def case_the_first_broker_that_answers_is_asked(work):
    nobody, = free_ports(1)
    with Node(work) as node:
        servers = f"127.0.0.1:{nobody},127.0.0.1:{node.controller},127.0.0.1:{node.port}"
        code, out, err = run("topic", "list", "--bootstrap-server", servers, cwd=work)
        check(code == 0, f"{servers}: {code} {err}")
        code, out, err = run("topic", "list", "--bootstrap-server", f"127.0.0.1:{node.controller}", cwd=work)
        check(code == 1 and "controller's listener" in err, f"{code} {err}")


def case_wrong_usage_ends_with_two(work):
    for arguments in ([], ["begin"], ["start", "--set", "x"], ["topic"], ["topic", "create"], ["dump-log"], ["format"],
                      ["topic", "list", "--bootstrap-server", "nowhere"],
                      ["topic", "list", "--bootstrap-server", "PLAINTEXT://127.0.0.1:9092"]):
        code, out, err = run(*arguments, cwd=work)
        check(code == 2 and err and not out, f"{arguments}: {code} {out} {err}")


def case_help_everywhere(work):
    for arguments in ([], ["start"], ["format"], ["version"], ["random-uuid"], ["dump-log"], ["topic"], ["topic", "create"],
                      ["topic", "list"], ["topic", "describe"], ["topic", "delete"]):
        code, out, err = run(*arguments, "--help", cwd=work)
        check(code == 0 and "Usage: " in out and not err, f"{arguments}: {code} {out} {err}")


def case_version_and_random_uuid(work):
    code, out, _ = run("version", cwd=work)
    check(code == 0 and re.fullmatch(r"moldau \d+\.\d+\.\d+ \(Apache Kafka 4\.3\)\n", out), out)
    check(run("--version", cwd=work)[1] == out and run("-v", cwd=work)[1] == out, "--version")
    uuids = {run("random-uuid", cwd=work)[1] for _ in range(3)}
    check(len(uuids) == 3 and all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}\n", uuid) for uuid in uuids), str(uuids))


def case_health_and_metrics(work):
    with Node(work) as node:
        check(node.topic("create", "orders", "--partitions", 2)[0] == 0, "create")
        check(node.get("/livez") == (200, "ok\n"), str(node.get("/livez")))
        check(node.get("/readyz") == (200, "ready\n"), str(node.get("/readyz")))
        code, text = node.get("/readyz?verbose")
        check(code == 200 and text.endswith("\n[+] clients are served\nready\n") and "[-]" not in text, text)
        # The answer to a creation does not wait for the logs.
        deadline = time.monotonic() + 10
        code, text = node.get("/metrics")
        while "kafka_server_replicamanager_partitioncount 2\n" not in text and time.monotonic() < deadline:
            time.sleep(0.01)
            code, text = node.get("/metrics")
        check(code == 200 and "moldau_ready 1\n" in text and "kafka_server_replicamanager_partitioncount 2\n" in text, text[:400])
        for line in text.splitlines():
            check(re.fullmatch(r"# (HELP|TYPE) \w+ .*|\w+(\{[^}]*\})? [-+0-9.e]+", line), f"no line of Prometheus' format: {line}")
        check(node.get("/nothing")[0] == 404, "/nothing")


def case_metrics_are_told_until_the_end_of_a_stop(work):
    with Node(work) as node:
        check(node.topic("create", "orders", "--partitions", 8)[0] == 0, "create")
        ended = threading.Event()

        def scrape():
            while not ended.is_set():
                with contextlib.suppress(OSError, http.client.HTTPException):
                    node.get("/metrics")
                    node.get("/readyz?verbose")

        scrapers = [threading.Thread(target=scrape) for _ in range(4)]
        for scraper in scrapers:
            scraper.start()
        try:
            code, seconds = node.stop()
        finally:
            ended.set()
            for scraper in scrapers:
                scraper.join()
        check(code == 0 and seconds < STOP_S, f"exit code {code} after {seconds:.1f} s: {node.err[-500:]}")


def case_wrong_configuration_names_file_and_line(work):
    properties = work / "server.properties"
    properties.write_text("# a node\nnode.id=1\nlog.retention.ms=soon\n")
    code, out, err = run("start", "--config", properties, cwd=work)
    check(code == 1 and f"{properties}:3: log.retention.ms" in err, f"{code} {err}")
    code, out, err = run("start", "--config", work / "missing.properties", cwd=work)
    check(code == 1 and "missing.properties" in err, f"{code} {err}")
    code, out, err = run("start", "--set", "num.partitions=none", cwd=work)
    check(code == 1 and "--set: num.partitions" in err, f"{code} {err}")
    properties.write_text("config.providers=env\nconfig.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n"
                          "num.partitions=${env:PARTITIONS}\n")
    code, out, err = run("start", "--config", properties, cwd=work, PARTITIONS="many")
    check(code == 1 and "server.properties:3: num.partitions" in err and "many" in err, f"{code} {err}")
    code, out, err = run("start", cwd=work, KAFKA_NUM_PARTITIONS="none")
    check(code == 1 and "KAFKA_NUM_PARTITIONS" in err, f"{code} {err}")
    code, out, err = run("start", "--set", "authorizer.class.name=x", cwd=work)
    check(code == 1 and "authorizer.class.name" in err, f"a key that would open the cluster: {code} {err}")
    check(not (work / "moldau-data").exists(), "a refused start left a directory")


def case_a_configuration_that_apache_kafka_refuses_starts_nothing(work):
    plain = "listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT"
    for settings, said in (
        (["listeners=client://127.0.0.1:0,CONTROLLER://127.0.0.1:0", "inter.broker.listener.name=client",
          "listener.security.protocol.map=client:SASL_SSL,controller:PLAINTEXT"], "CLIENT asks for SASL_SSL"),
        (["listeners=SSL://127.0.0.1:0,CONTROLLER://127.0.0.1:0", "listener.security.protocol.map=CONTROLLER:PLAINTEXT"],
         "no security protocol is defined for listener SSL"),
        (["listeners=PLAINTEXT://127.0.0.1:0,SSL://127.0.0.1:0", "controller.listener.names=SSL"], "SSL asks for SSL"),
        (["listener.name.plaintext.ssl.client.auth=required"], "would open the cluster"),
        (["listeners=CLIENT://127.0.0.1:0,CONTROLLER://127.0.0.1:0", plain], "inter.broker.listener.name"),
        (["listeners=PLAINTEXT://0.0.0.0:0,CONTROLLER://:0"], "0.0.0.0 is no address"),
        (["advertised.listeners=PLAINTEXT://0.0.0.0:9092"], "0.0.0.0 is no address"),
        (["log.retention.hours=0"], "log.retention.hours"),
        (["log.roll.ms=0"], "log.roll.ms"),
        (["controller.quorum.voters=1@localhost:9093,2@localhost:9095"], "one node"),
        (["controller.quorum.voters=2@localhost:9093"], "not among them"),
        (["controller.quorum.bootstrap.servers=a:9093,b:9093"], "one node"),
        (["node.id=1", "broker.id=2"], "broker.id"),
        (["moldau.shards=100000"], "moldau.shards"),
    ):
        code, out, err = run("start", *(part for setting in settings for part in ("--set", setting)), cwd=work)
        check(code == 1 and "--set" in err and said in err and err.count("\n") == 1, f"{settings}: {code} {err}")
    check(not (work / "moldau-data").exists(), "a refused start left a directory")


def case_apache_kafkas_stock_configuration_starts(work):
    ports = free_ports(3)
    keys = f"""process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:{ports[1]}
listeners=PLAINTEXT://:{ports[0]},CONTROLLER://:{ports[1]}
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:{ports[0]},CONTROLLER://localhost:{ports[1]}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs={work}/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
"""
    properties = work / "server.properties"
    properties.write_text(keys)
    code, out, err = run("format", "--cluster-id", "new", "--standalone", "--config", properties, cwd=work)
    check(code == 0, f"format: {code} {err}")
    node = Node(work)
    node.arguments = ["start", "--config", str(properties), "--set", f"moldau.http.listen=127.0.0.1:{ports[2]}"]
    with node:
        check(READY.search(node.out)[1] == f"PLAINTEXT://localhost:{ports[0]}", node.out)
        check("unknown configuration keys" not in node.err and "quorum" not in node.err, node.err)


def case_a_listener_that_is_not_advertised_is_not_told(work):
    ports = free_ports(4)
    node = Node(work)
    node.arguments = ["start", "--set", f"listeners=PLAINTEXT://127.0.0.1:{ports[0]},OTHER://127.0.0.1:{ports[1]},CONTROLLER://127.0.0.1:{ports[2]}",
                      "--set", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT,CONTROLLER:PLAINTEXT",
                      "--set", f"advertised.listeners=PLAINTEXT://localhost:{ports[0]}",
                      "--set", f"moldau.http.listen=127.0.0.1:{ports[3]}"]
    with node:
        node.port = ports[0]
        check(node.topic("create", "orders")[0] == 0, "create")
        ready = next(line for line in node.out.splitlines() if line.startswith("moldau ready"))
        check("OTHER" not in ready and f"PLAINTEXT://localhost:{ports[0]}" in ready, ready)


def case_an_unknown_key_is_told_with_its_line_and_the_key_that_was_meant(work):
    properties = work / "server.properties"
    properties.write_text("# a node\nlog.retention.hour=1\n")
    with Node(work, "--config", properties) as node:
        check(f"log.retention.hour ({properties}:2; did you mean log.retention.hours?)" in node.err, node.err)


def case_a_named_directory_must_be_formatted(work):
    data = work / "data"
    code, out, err = run("start", "--set", f"log.dirs={data}", cwd=work)
    check(code == 1 and "moldau format" in err, f"{code} {err}")
    check(not data.exists(), "a refused start made the directory")
    data.mkdir()
    code, out, err = run("start", "--set", f"log.dirs={data}", cwd=work)
    check(code == 1 and "moldau format" in err and not list(data.iterdir()), f"{code} {err} {list(data.iterdir())}")
    data.rmdir()
    cluster = run("random-uuid", cwd=work)[1].strip()
    code, out, err = run("format", "--cluster-id", cluster, "--standalone", "--set", f"log.dirs={data}", cwd=work)
    check(code == 0 and cluster in out, f"format: {code} {out} {err}")
    check(f"cluster.id={cluster}" in (data / "meta.properties").read_text(), "meta.properties")
    code, out, err = run("format", "--cluster-id", cluster, "--set", f"log.dirs={data}", cwd=work)
    check(code == 1 and err, f"format twice: {code} {err}")
    check(run("format", "--cluster-id", cluster, "--ignore-formatted", "--set", f"log.dirs={data}", cwd=work)[0] == 0, "ignored")
    code, out, err = run("format", "-t", "new", "-g", "--set", f"log.dirs={data}", cwd=work)
    check(code == 0 and cluster in out, f"'new' where a cluster is: {code} {out} {err}")
    with Node(work, "--set", f"log.dirs={data}") as node:
        check(READY.search(node.out)[2] == cluster, node.out)


def case_the_layers_of_configuration(work):
    properties = work / "server.properties"
    properties.write_text("num.partitions=2\nno.such.key=1\n")
    with Node(work, "--config", properties, KAFKA_NUM_PARTITIONS="4") as node:
        check("no.such.key" in node.err, f"no warning: {node.err}")
        node.topic("create", "a")
        check(json.loads(node.topic("list", "--json")[1])[0]["partitions"] == 4, "the environment is stronger than the file")
    with Node(work, "--config", properties, "--set", "num.partitions=5", KAFKA_NUM_PARTITIONS="4") as node:
        node.topic("create", "b")
        topics = {t["name"]: t["partitions"] for t in json.loads(node.topic("list", "--json")[1])}
        check(topics == {"a": 4, "b": 5}, f"--set is stronger than the environment: {topics}")


def case_logs_as_json(work):
    with Node(work, "--log-format", "json", "--log-level", "debug") as node:
        node.stop()
        lines = [json.loads(line) for line in node.err.splitlines()]
        check(lines and all({"time", "level", "area", "text"} <= line.keys() for line in lines), node.err[:300])


def case_a_directory_that_cannot_be_written_says_what_to_do(work):
    closed = work / "closed"
    closed.mkdir(mode=0o555)
    formatted = work / "formatted"
    check(run("format", "--cluster-id", "new", "--set", f"log.dirs={formatted}", cwd=work)[0] == 0, "format")
    formatted.chmod(0o555)
    advice = r"Permission denied; let the user who runs this write there, or name another directory\n\Z"
    for command, arguments in (("start", ["--set", "moldau.http.listen="]), ("format", ["--cluster-id", "new", "--set", f"log.dirs={closed}"]),
                               ("format", ["--cluster-id", "new", "--set", f"log.dirs={closed / 'data'}"]),
                               ("start", ["--set", f"log.dirs={formatted}", "--set", "moldau.http.listen="])):
        code, out, err = run(command, *arguments, cwd=closed, powers=False)
        check(code == 1 and re.search(rf"^moldau {command}: [^\n]*{advice}", err, re.M), f"{command} {arguments}: {code} {err}")
    check(not list(closed.iterdir()), f"{list(closed.iterdir())}")


def case_a_second_process_is_refused(work):
    with Node(work) as node:
        second = Node(work)
        code, out, err = run(*second.arguments, cwd=work)
        check(code == 1 and re.search(r"^moldau start: log directory \S*moldau-data: another process uses it; [^:]*\n\Z", err, re.M),
              f"{code} {err}")
        check(node.get("/readyz")[0] == 200, "the first one suffered")


def case_an_address_in_use_is_refused(work):
    with Node(work) as node:
        for busy in (f"listeners=PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{free_ports(1)[0]}",
                     f"moldau.http.listen=127.0.0.1:{node.http}"):
            other = Node(work)
            other.arguments += ["--set", busy, "--set", f"log.dirs={work / 'other'}"]
            run("format", "--cluster-id", "new", "--ignore-formatted", "--set", f"log.dirs={work / 'other'}", cwd=work)
            code, out, err = run(*other.arguments, cwd=work)
            check(code == 1 and re.search(r"^moldau start: .*127\.0\.0\.1:\d+: another process listens there; .*\n\Z", err, re.M),
                  f"{busy}: {code} {err}")


def case_a_clean_stop_and_the_start_after_it(work):
    clean = work / "moldau-data" / ".kafka_cleanshutdown"
    for number in (signal.SIGTERM, signal.SIGINT):
        with Node(work) as node:
            check(not clean.exists(), "the mark of the last clean stop is still there")
            check(node.topic("create", f"topic-{number}", "--partitions", 2)[0] == 0, "create")
            check("topic-15" in node.topic("list")[1], "what the first process made is gone")
            code, seconds = node.stop(number)
            check(code == 0 and seconds < STOP_S, f"exit code {code} after {seconds:.1f} s: {node.err}")
            check(clean.exists(), "no .kafka_cleanshutdown")


def case_signals_that_arrive_together_count_once(work):
    with Node(work) as node:
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT):  # both wait when the process goes on
            node.process.send_signal(number)
        code, seconds = node.stop(signal.SIGCONT)
        check(code == 0 and seconds < STOP_S and "second signal" not in node.err, f"exit code {code} after {seconds:.1f} s: {node.err}")


def case_a_second_signal_ends_the_process_at_once(work):
    for _ in range(5):
        with Node(work) as node:
            node.process.send_signal(signal.SIGTERM)
            while "stopping" not in node.err:
                node.read()
            node.process.send_signal(signal.SIGSTOP)  # amid its stop, unless that was quicker
            time.sleep(1)  # longer than the time in which signals count once
            if node.process.poll() is not None:
                continue
            node.process.send_signal(signal.SIGINT)
            code, seconds = node.stop(signal.SIGCONT)
            if "node stopped" in node.err:
                continue
            check(code == 1 and seconds < 1 and "second signal" in node.err, f"exit code {code} after {seconds:.1f} s: {node.err}")
            check(not (work / "moldau-data" / ".kafka_cleanshutdown").exists(), "it passes for a clean stop")
            return
    raise AssertionError("every stop was over before the second signal")


def case_a_killed_node_starts_again(work):
    with Node(work) as node:
        node.topic("create", "orders")
        node.stop(signal.SIGKILL)
    with Node(work) as node:
        check("orders" in node.topic("list")[1], "the topic is gone")


def case_partitions_that_nobody_uses_keep_no_file_open(work):
    partitions = 500
    with Node(work) as node:
        code, out, err = node.topic("create", "wide", "--partitions", partitions)
        check(code == 0, f"create: {code} {out} {err}")
        for how in ("made", "opened after a kill", "opened after a stop"):
            deadline = time.monotonic() + START_S
            while f"kafka_server_replicamanager_partitioncount {partitions}\n" not in node.get("/metrics")[1]:
                check(time.monotonic() < deadline, f"{how}: the partitions are not hosted after {START_S} s")
                time.sleep(0.05)
            descriptors = len(os.listdir(f"/proc/{node.process.pid}/fd"))
            check(descriptors < 60, f"{descriptors} descriptors for {partitions} idle partitions, {how}")
            node.stop(signal.SIGKILL if how == "made" else signal.SIGTERM)
            node.start()


def case_a_client_that_stays_does_not_hold_the_stop_up(work):
    with Node(work) as node, socket.create_connection(("127.0.0.1", node.port)) as idle:
        idle.sendall(b"\0\0\1\0half a frame")
        code, seconds = node.stop()
        check(code == 0 and seconds < STOP_S, f"exit code {code} after {seconds:.1f} s: {node.err}")


def cases():
    found = [value for name, value in globals().items() if name.startswith("case_")]
    return sorted(found, key=lambda case: case.__code__.co_firstlineno)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moldau", default=os.environ.get("MOLDAU"))
    parser.add_argument("--only", default="", metavar="REGEX")
    arguments = parser.parse_args()
    if not arguments.moldau:
        parser.error("--moldau, or MOLDAU in the environment")
    global moldau
    moldau = str(pathlib.Path(arguments.moldau).resolve())
    failed = 0
    for case in cases():
        name = case.__name__.removeprefix("case_").replace("_", " ")
        if not re.search(arguments.only, name):
            continue
        with tempfile.TemporaryDirectory(prefix="moldau-cli-") as work:
            try:
                case(pathlib.Path(work).resolve())
                print(f"PASS {name}", flush=True)
            except Exception as error:  # a case's end, whatever it is, must not hide the others
                failed += 1
                where = "" if isinstance(error, AssertionError) else traceback.format_exc(limit=-2)
                print(f"FAIL {name}: {error} {where}".replace("\n", " | "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
