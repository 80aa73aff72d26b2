#!/usr/bin/env python3
"""Apache Kafka's command-line tools 4.3.1 work against the broker: what needs more than the rows of tool_rows_test.py.

EndToEndLatency commits offsets after it has printed its figures: those count, its exit code not (it needs groups).
"""

import json
import pathlib
import re
import sys
import tempfile

from harness import Skip, cases_of, check, equal, kafka, main, tool

import kafka

TOOLS = "org.apache.kafka.tools"


def command(name, broker, *arguments, fails=False):
    return tool(f"{TOOLS}.{name}", "--bootstrap-server", broker.bootstrap, *arguments, allow_failure=fails)


def case_reassign_partitions_command(broker):
    tool(f"{TOOLS}.TopicCommand", "--bootstrap-server", broker.bootstrap, "--create", "--topic", "x-filtered", "--partitions", "2",
         "--replication-factor", "1")
    with tempfile.TemporaryDirectory() as work:
        plan = pathlib.Path(work, "plan.json")
        plan.write_text(json.dumps({"partitions": [{"topic": "x-filtered", "partition": index, "replicas": [1]} for index in range(2)],
                                    "version": 1}))
        output = command("reassign.ReassignPartitionsCommand", broker, "--verify", "--reassignment-json-file", plan)
        equal(len(re.findall(r"Reassignment of partition x-filtered-\d is completed\.", output)), 2, output)
        output = command("reassign.ReassignPartitionsCommand", broker, "--list")
        check("No partition reassignments found." in output, output)
        output = command("reassign.ReassignPartitionsCommand", broker, "--cancel", "--reassignment-json-file", plan)
        check("None of the specified partition reassignments are active." in output, output)
        output = command("reassign.ReassignPartitionsCommand", broker, "--execute", "--reassignment-json-file", plan, fails=True)
        if "does not support DESCRIBE_LOG_DIRS" in output:
            raise Skip("--verify, --list and --cancel are right; --execute and --generate ask for DescribeLogDirs")
        check("Successfully started partition reassignments for x-filtered-0,x-filtered-1" in output, output)
        plan.write_text(json.dumps({"partitions": [{"topic": "x-filtered", "partition": 0, "replicas": [7]}], "version": 1}))
        output = command("reassign.ReassignPartitionsCommand", broker, "--execute", "--reassignment-json-file", plan, fails=True)
        check("Unknown broker id 7" in output or "InvalidReplicaAssignment" in output or "rror" in output, output)
        wanted = pathlib.Path(work, "topics.json")
        wanted.write_text(json.dumps({"topics": [{"topic": "x-filtered"}], "version": 1}))
        output = command("reassign.ReassignPartitionsCommand", broker, "--generate", "--topics-to-move-json-file", wanted, "--broker-list", "1")
        current, proposed = re.search(r"Current partition replica assignment\n(.*)\n\nProposed partition reassignment configuration\n(.*)",
                                      output).groups()
        for assignment in current, proposed:
            equal(sorted((p["partition"], p["replicas"]) for p in json.loads(assignment)["partitions"]), [(0, [1]), (1, [1])], "the assignment")


def case_console_producer_and_consumer_of_a_partition(broker):
    tool(f"{TOOLS}.TopicCommand", "--bootstrap-server", broker.bootstrap, "--create", "--topic", "x-console", "--partitions", "1",
         "--replication-factor", "1")
    lines = b"".join(b"line %d\n" % index for index in range(200))
    tool(f"{TOOLS}.ConsoleProducer", "--bootstrap-server", broker.bootstrap, "--topic", "x-console", input=lines)
    output = tool(f"{TOOLS}.consumer.ConsoleConsumer", "--bootstrap-server", broker.bootstrap, "--topic", "x-console", "--partition", "0",
                  "--offset", "earliest", "--max-messages", "200", "--timeout-ms", "20000")
    equal(output.encode(), lines, "what the consumer printed")
    output = tool(f"{TOOLS}.consumer.ConsoleConsumer", "--bootstrap-server", broker.bootstrap, "--topic", "x-console", "--partition", "0",
                  "--offset", "198", "--max-messages", "2", "--timeout-ms", "20000")
    equal(output, "line 198\nline 199\n", "the last two")


def case_log_dirs_command(broker):
    def described(*more):
        output = tool(f"{TOOLS}.LogDirsCommand", "--bootstrap-server", broker.bootstrap, "--describe", *more)
        return json.loads(output[output.index('{"'):])

    [host] = described("--topic-list", "x-perf", "--broker-list", "1")["brokers"]
    equal(host["broker"], 1, "the broker")
    [directory] = host["logDirs"]
    equal(directory["error"], None, "the directory's error")
    if broker.data is not None:
        equal(directory["logDir"], str(broker.data), "the directory")
    partitions = sorted(directory["partitions"], key=lambda partition: partition["partition"])
    equal([partition["partition"] for partition in partitions], ["x-perf-0", "x-perf-1"], "partitions")
    check(all(partition["size"] > 0 and partition["offsetLag"] == 0 and not partition["isFuture"] for partition in partitions),
          f"sizes in {partitions}")
    [everything] = described()["brokers"]
    check({"x-perf-0", "x-perf-1"} <= {partition["partition"] for partition in everything["logDirs"][0]["partitions"]}, everything)


def case_end_to_end_latency(broker):
    output = tool(f"{TOOLS}.EndToEndLatency", "--bootstrap-server", broker.bootstrap, "--topic", "x-latency", "--num-records", "200",
                  "--producer-acks", "1", "--record-size", "100", allow_failure=True)
    check(re.search(r"Percentiles: 50th = [\d.]+, 99th = [\d.]+, 99.9th = [\d.]+", output), output)


def case_dump_log_segments_finds_nothing_wrong(broker):
    if broker.data is None:
        raise Skip("the broker's files are not known")
    segment = broker.data / "x-console-0" / "00000000000000000000.log"
    output = tool(f"{TOOLS}.DumpLogSegments", "--files", segment, "--deep-iteration", "--print-data-log")
    equal(len(re.findall(r"payload: line \d+", output)), 200, "payloads")
    check("isvalid: false" not in output, output[:2000])
    metadata = broker.data / "__cluster_metadata-0" / "00000000000000000000.log"
    output = tool(f"{TOOLS}.DumpLogSegments", "--files", metadata, "--cluster-metadata-decoder")
    check('"type":"REGISTER_BROKER_RECORD"' in output and '"name":"x-console"' in output, output[:2000])


if __name__ == "__main__":
    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP tools: {reason}")
        sys.exit(77)
    sys.exit(main(__doc__, cases_of(globals())))
