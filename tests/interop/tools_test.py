#!/usr/bin/env python3
"""Apache Kafka's command-line tools 4.3.1 work against the broker.

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


def case_topic_command(broker):
    at = ("--bootstrap-server", broker.bootstrap)
    tool(f"{TOOLS}.TopicCommand", *at, "--create", "--topic", "x-topic", "--partitions", "3", "--replication-factor", "1",
         "--config", "retention.ms=-1", "--config", "segment.bytes=1048576")
    check("x-topic" in tool(f"{TOOLS}.TopicCommand", *at, "--list").split(), "x-topic is not listed")
    described = tool(f"{TOOLS}.TopicCommand", *at, "--describe", "--topic", "x-topic")
    check("PartitionCount: 3" in described and "segment.bytes=1048576" in described, described)
    equal(len(re.findall(r"Partition: \d+\s+Leader: 1\s+Replicas: 1\s+Isr: 1", described)), 3, f"partitions with leaders in {described}")
    again = tool(f"{TOOLS}.TopicCommand", *at, "--create", "--topic", "x-topic", "--partitions", "1", "--replication-factor", "1",
                 allow_failure=True)
    check("exist" in again, again)  # the words are the broker's own
    tool(f"{TOOLS}.TopicCommand", *at, "--delete", "--topic", "x-topic")
    check("x-topic" not in tool(f"{TOOLS}.TopicCommand", *at, "--list").split(), "x-topic is still listed")


def topics(broker, *arguments, fails=False):
    """TopicCommand's lines, in order; with `fails` it must refuse."""
    output = tool(f"{TOOLS}.TopicCommand", "--bootstrap-server", broker.bootstrap, *arguments, allow_failure=fails)
    check(not fails or "rror" in output, f"TopicCommand {arguments} should have failed: {output}")
    return output.splitlines()


def case_topic_command_adds_partitions(broker):
    topics(broker, "--create", "--topic", "x-more", "--partitions", "2", "--replication-factor", "1")
    topics(broker, "--alter", "--topic", "x-more", "--partitions", "4")
    topics(broker, "--alter", "--topic", "x-more", "--partitions", "6", "--replica-assignment", "1,1,1,1,1,1")
    described = topics(broker, "--describe", "--topic", "x-more")
    equal(len([line for line in described if re.search(r"Partition: \d+\s+Leader: 1\s+Replicas: 1\s+Isr: 1", line)]), 6, f"{described}")
    fewer = topics(broker, "--alter", "--topic", "x-more", "--partitions", "3", fails=True)
    check("increase" in fewer[0], f"{fewer}")
    topics(broker, "--alter", "--topic", "x-none", "--partitions", "3", fails=True)
    topics(broker, "--alter", "--topic", "x-none", "--partitions", "3", "--if-exists")


def case_topic_command_describes_with_every_filter(broker):
    topics(broker, "--create", "--topic", "x-filtered", "--partitions", "2", "--replication-factor", "1", "--config", "min.insync.replicas=1")
    topic_id = re.search(r"TopicId: (\S+)", topics(broker, "--describe", "--topic", "x-filtered")[0])[1]
    by_id = topics(broker, "--describe", "--topic-id", topic_id)
    check("Topic: x-filtered" in by_id[0] and len(by_id) == 3, f"{by_id}")
    check("min.insync.replicas=1" in by_id[0] and "PartitionCount: 2" in by_id[0] and "ReplicationFactor: 1" in by_id[0], by_id[0])
    check(re.search(r"Elr: \S*\s*LastKnownElr: ", by_id[1]), f"columns of eligible leaders: {by_id[1]}")
    for only in ("--under-replicated-partitions", "--unavailable-partitions", "--under-min-isr-partitions"):
        equal(topics(broker, "--describe", "--topic", "x-filtered", only), [], only)
    equal(len(topics(broker, "--describe", "--topic", "x-filtered", "--at-min-isr-partitions")), 2, "at min ISR")
    overridden = topics(broker, "--describe", "--topics-with-overrides", "--topic", "x-filtered")
    equal([line for line in overridden if "Partition: " in line], [], "topics with overrides")
    check("min.insync.replicas=1" in overridden[0], f"{overridden}")
    equal(topics(broker, "--describe", "--topic", "x-filtered", "--exclude-internal"), topics(broker, "--describe", "--topic", "x-filtered"),
          "without internal topics")
    paged = topics(broker, "--describe", "--topic", "x-filtered", "--partition-size-limit-per-response", "1")
    equal(paged, topics(broker, "--describe", "--topic", "x-filtered"), "in pages of one partition")
    topics(broker, "--describe", "--topic", "x-none", fails=True)
    equal(topics(broker, "--describe", "--topic", "x-none", "--if-exists"), [], "--if-exists")


def command(name, broker, *arguments, fails=False):
    return tool(f"{TOOLS}.{name}", "--bootstrap-server", broker.bootstrap, *arguments, allow_failure=fails)


def case_leader_election_command(broker):
    output = command("LeaderElectionCommand", broker, "--election-type", "preferred", "--topic", "x-more", "--partition", "0")
    check("Valid replica already elected for partitions x-more-0" in output, output)
    command("LeaderElectionCommand", broker, "--election-type", "preferred", "--all-topic-partitions")
    output = command("LeaderElectionCommand", broker, "--election-type", "unclean", "--topic", "x-more", "--partition", "1")
    check("Valid replica already elected for partitions x-more-1" in output, output)
    output = command("LeaderElectionCommand", broker, "--election-type", "unclean", "--topic", "x-more", "--partition", "77", fails=True)
    check("UnknownTopicOrPartitionException" in output or "could not be elected" in output or "Error" in output, output)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"partitions": [{"topic": "x-more", "partition": 0}, {"topic": "x-more", "partition": 2}]}, file)
        file.flush()
        output = command("LeaderElectionCommand", broker, "--election-type", "preferred", "--path-to-json-file", file.name)
        check("Valid replica already elected for partitions" in output and "x-more-2" in output, output)


def case_reassign_partitions_command(broker):
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


def case_feature_command(broker):
    def levels():
        output = command("FeatureCommand", broker, "describe")
        return {line[0]: (line[1], line[2], line[3])
                for line in re.findall(r"Feature: (\S+)\s+SupportedMinVersion: (\S+)\s+SupportedMaxVersion: (\S+)\s+FinalizedVersionLevel: (\S+)",
                                       output)}
    before = levels()
    equal(before["metadata.version"], ("3.3-IV3", "4.3-IV0", "4.3-IV0"), "metadata.version")
    equal(before["group.version"], ("0", "1", "1"), "group.version")
    equal(sorted(before), ["eligible.leader.replicas.version", "group.version", "kraft.version", "metadata.version", "share.version",
                           "streams.version", "transaction.version"], "the features")
    output = command("FeatureCommand", broker, "downgrade", "--feature", "group.version=0", "--dry-run")
    check("group.version can be downgraded to 0" in output, output)
    equal(levels(), before, "after a dry run")
    output = command("FeatureCommand", broker, "downgrade", "--feature", "group.version=0")
    check("group.version was downgraded to 0" in output, output)
    equal(levels()["group.version"], ("0", "1", "0"), "after the downgrade")
    output = command("FeatureCommand", broker, "upgrade", "--feature", "group.version=1", "--dry-run")
    check("group.version can be upgraded to 1" in output, output)
    output = command("FeatureCommand", broker, "upgrade", "--feature", "group.version=1")
    check("group.version was upgraded to 1" in output, output)
    output = command("FeatureCommand", broker, "upgrade", "--feature", "group.version=9", fails=True)
    check("Could not upgrade" in output, output)
    output = command("FeatureCommand", broker, "downgrade", "--metadata", "4.2-IV1", fails=True)
    check("Could not downgrade" in output, output)
    output = command("FeatureCommand", broker, "disable", "--feature", "group.version", "--dry-run")
    check("group.version can be disabled" in output, output)
    equal(levels(), before, "at the end")


def case_cluster_tool(broker):
    def cluster(verb, *arguments):
        return tool(f"{TOOLS}.ClusterTool", verb, "--bootstrap-server", broker.bootstrap, *arguments)

    output = cluster("cluster-id")
    check(re.search(r"^Cluster ID: \S{22}$", output, re.M), output)
    output = cluster("list-endpoints")
    rows = [line.split() for line in output.splitlines() if line.strip()]
    equal(rows[0], ["ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE"], "the columns")
    equal(rows[1], ["1", "127.0.0.1", broker.bootstrap.rpartition(":")[2], "null", "unfenced", "broker"], "the broker")
    fenced = [line.split() for line in cluster("list-endpoints", "--include-fenced-brokers").splitlines() if line.strip()]
    equal(fenced[0], ["ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE"], "the columns with the state")
    equal(fenced[1][4], "unfenced", "the state")
    refused = kafka.run_java(f"{TOOLS}.ClusterTool", "unregister", "--bootstrap-server", broker.bootstrap, "--id", "77")
    complaint = refused.stderr.decode()
    check(refused.returncode == 1 and "BrokerIdNotRegisteredException" in complaint, f"{refused.returncode} {complaint}")


def case_metadata_quorum_command(broker):
    output = command("MetadataQuorumCommand", broker, "describe", "--status")
    values = dict(re.findall(r"^(\w+):\s+(.*)$", output, re.M))
    check(re.fullmatch(r"\S{22}", values["ClusterId"]) and values["LeaderId"] == "1" and int(values["LeaderEpoch"]) >= 1, output)
    check(int(values["HighWatermark"]) > 0 and values["MaxFollowerLag"] == "0" and values["CurrentObservers"] == "[]", output)
    voters = re.search(r'\[\{"id": 1, "directoryId": "\S{22}", "endpoints": \["CONTROLLER://\S+:\d+"\]\}\]', values["CurrentVoters"])
    check(voters, values["CurrentVoters"])
    output = command("MetadataQuorumCommand", broker, "describe", "--replication")
    rows = [line.split() for line in output.splitlines() if line.strip()]
    equal(rows[0], ["NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp", "Status"], "the columns")
    equal((len(rows), rows[1][0], rows[1][3], rows[1][6]), (2, "1", "0", "Leader"), "the leader")


def case_broker_api_versions_command(broker):
    output = command("BrokerApiVersionsCommand", broker)
    rows = dict(re.findall(r"^\t(\w+\(\d+\)): (.*?),?$", output, re.M))
    for api, versions in {"CreatePartitions(37)": "0 to 3", "ElectLeaders(43)": "0 to 2", "AlterPartitionReassignments(45)": "0 to 1",
                          "ListPartitionReassignments(46)": "0", "DescribeQuorum(55)": "0 to 2", "UpdateFeatures(57)": "0 to 2",
                          "DescribeCluster(60)": "0 to 2", "UnregisterBroker(64)": "0",
                          "DescribeTopicPartitions(75)": "0"}.items():
        check(rows.get(api, "").startswith(f"{versions} [usable: "), f"{api}: {rows.get(api)}")


def quotas(broker, *arguments) -> list[str]:
    """What ConfigCommand prints, a line each, in an order of ours: that of entities and keys is a hash map's."""
    output = tool("kafka.admin.ConfigCommand", "--bootstrap-server", broker.bootstrap, *arguments)
    lines = []
    for line in output.splitlines():
        head, are, values = line.partition(" are ")
        lines.append(head + are + ", ".join(sorted(values.split(", "))))
    return sorted(lines)


def case_config_command_of_clients(broker):
    client = ("--entity-type", "clients", "--entity-name", "x-app")
    anyone = ("--entity-type", "clients", "--entity-default")
    of_user = ("--entity-type", "users", "--entity-name", "x-ann", *client)
    equal(quotas(broker, *client, "--alter", "--add-config", "producer_byte_rate=1000000,request_percentage=250.5"),
          ["Completed updating config for client x-app."], "an added quota")
    equal(quotas(broker, *anyone, "--alter", "--add-config", "consumer_byte_rate=2000000000"),
          ["Completed updating default config for clients in the cluster."], "the default's quota")
    quotas(broker, *of_user, "--alter", "--add-config", "controller_mutation_rate=7")
    equal(quotas(broker, *client, "--describe"),
          ["Quota configs for client-id 'x-app' are producer_byte_rate=1000000.0, request_percentage=250.5"], "the client")
    equal(quotas(broker, "--entity-type", "clients", "--describe"),
          ["Quota configs for client-id 'x-app' are producer_byte_rate=1000000.0, request_percentage=250.5",
           "Quota configs for the default client-id are consumer_byte_rate=2.0E9"], "all clients")
    equal(quotas(broker, *of_user, "--describe"),
          ["Quota configs for user-principal 'x-ann', client-id 'x-app' are controller_mutation_rate=7.0"], "user and client")
    quotas(broker, *client, "--alter", "--delete-config", "producer_byte_rate,request_percentage")
    quotas(broker, *anyone, "--alter", "--delete-config", "consumer_byte_rate")
    quotas(broker, *of_user, "--alter", "--delete-config", "controller_mutation_rate")
    equal(quotas(broker, "--entity-type", "clients", "--describe"), [], "what is left")
    refused = tool("kafka.admin.ConfigCommand", "--bootstrap-server", broker.bootstrap, *client, "--alter", "--add-config",
                   "producer_byte_rate=-1", allow_failure=True)
    check("Completed" not in refused, refused)


def case_config_command_of_ips(broker):
    address = ("--entity-type", "ips", "--entity-name", "192.0.2.9")
    anyone = ("--entity-type", "ips", "--entity-default")
    equal(quotas(broker, *address, "--alter", "--add-config", "connection_creation_rate=20"),
          ["Completed updating config for ip 192.0.2.9."], "an added quota")
    quotas(broker, *anyone, "--alter", "--add-config", "connection_creation_rate=100000")
    equal(quotas(broker, "--entity-type", "ips", "--describe"),
          ["Quota configs for ip '192.0.2.9' are connection_creation_rate=20.0",
           "Quota configs for the default ip are connection_creation_rate=100000.0"], "all ips")
    for entity in (address, anyone):
        quotas(broker, *entity, "--alter", "--delete-config", "connection_creation_rate")
    equal(quotas(broker, "--entity-type", "ips", "--describe"), [], "what is left")


def case_producer_performance(broker):
    tool(f"{TOOLS}.TopicCommand", "--bootstrap-server", broker.bootstrap, "--create", "--topic", "x-perf", "--partitions", "2",
         "--replication-factor", "1")
    for acks in ("1", "all"):
        output = tool(f"{TOOLS}.ProducerPerformance", "--topic", "x-perf", "--num-records", "5000", "--record-size", "200", "--throughput",
                      "-1", "--bootstrap-server", broker.bootstrap, "--command-property", f"acks={acks}")
        check(re.search(r"5000 records sent, [\d.,]+ records/sec", output), output)


def case_get_offset_shell(broker):
    output = tool(f"{TOOLS}.GetOffsetShell", "--bootstrap-server", broker.bootstrap, "--topic", "x-perf")
    ends = dict(re.findall(r"x-perf:(\d):(\d+)", output))
    equal(sum(map(int, ends.values())), 10000, f"records counted in {output}")
    output = tool(f"{TOOLS}.GetOffsetShell", "--bootstrap-server", broker.bootstrap, "--topic", "x-perf", "--time", "earliest")
    equal(sorted(re.findall(r"x-perf:\d:\d+", output)), ["x-perf:0:0", "x-perf:1:0"], "earliest")
    output = tool(f"{TOOLS}.GetOffsetShell", "--bootstrap-server", broker.bootstrap, "--topic", "x-perf", "--time", "max-timestamp")
    equal(len(re.findall(r"x-perf:\d:\d+", output)), 2, f"max-timestamp in {output}")


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
