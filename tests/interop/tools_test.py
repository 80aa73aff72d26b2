#!/usr/bin/env python3
"""Apache Kafka's command-line tools 4.3.1 work against the broker: what needs more than the rows of tool_rows_test.py.

EndToEndLatency commits offsets after it has printed its figures: those count, its exit code not (it needs groups).
"""

import re
import sys

from harness import Skip, cases_of, check, equal, kafka, main, tool

import kafka

TOOLS = "org.apache.kafka.tools"


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
