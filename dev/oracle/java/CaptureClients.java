import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;

/**
 * Makes Apache Kafka's clients send one request of every kind they know, for a proxy to record.
 * Arguments: the bootstrap address, and the address of a SASL_PLAINTEXT listener (user admin, password secret).
 */
public final class CaptureClients {
    private static String bootstrap;
    private static String saslBootstrap;

    interface Step {
        Object run() throws Exception;
    }

    private static void step(String name, Step step) {
        try {
            Object result = step.run();
            if (result instanceof KafkaFuture<?> future) {
                future.get(20, TimeUnit.SECONDS);
            }
            System.out.println("done " + name);
        } catch (Throwable e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            System.out.println("answered " + name + ": " + cause);
        }
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        saslBootstrap = args[1];
        try (Admin admin = Admin.create(common(bootstrap))) {
            topics(admin);
            produce();
            transactions(admin);
            assigned();
            groups(admin, "classic");
            groups(admin, "consumer");
            share(admin);
            streams(admin);
            administration(admin);
            cluster(admin);
        }
        sasl();
        System.exit(0);
    }

    private static Properties common(String address) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", address);
        properties.put("client.id", "capture");
        properties.put("default.api.timeout.ms", "20000");
        properties.put("request.timeout.ms", "10000");
        return properties;
    }

    private static void topics(Admin admin) {
        step("createTopics", () -> admin.createTopics(List.of(
            new NewTopic("orders", 2, (short) 1).configs(Map.of("retention.ms", "86400000", "segment.bytes", "2097152")),
            new NewTopic("placed", Map.of(0, List.of(1))),
            new NewTopic("bad/name", 1, (short) 1))).all());
        step("createTopics defaults", () -> admin.createTopics(List.of(
            new NewTopic("in", Optional.empty(), Optional.empty()), new NewTopic("out", Optional.empty(), Optional.empty()),
            new NewTopic("doomed", Optional.empty(), Optional.empty()))).all());
        step("createTopics validate", () -> admin.createTopics(List.of(new NewTopic("never", 1, (short) 1)),
            new CreateTopicsOptions().validateOnly(true)).all());
        step("createPartitions", () -> admin.createPartitions(Map.of("placed", NewPartitions.increaseTo(2))).all());
        step("listTopics", () -> admin.listTopics().names());
        step("describeTopics", () -> admin.describeTopics(List.of("orders", "placed")).allTopicNames());
        step("describeTopics unknown", () -> admin.describeTopics(List.of("absent")).allTopicNames());
        step("deleteTopics", () -> admin.deleteTopics(List.of("doomed", "absent")).all());
    }

    private static Properties producer(String... pairs) {
        Properties properties = common(bootstrap);
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        properties.put("delivery.timeout.ms", "20000");
        for (int i = 0; i < pairs.length; i += 2) {
            properties.put(pairs[i], pairs[i + 1]);
        }
        return properties;
    }

    private static void send(Properties properties, int count) throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
            for (int i = 0; i < count; i++) {
                ProducerRecord<String, String> record =
                    new ProducerRecord<>("orders", i % 2, 1_700_000_000_000L + i, "key" + i, i == 1 ? null : "value" + i);
                record.headers().add("h", new byte[] {1, 2});
                producer.send(record);
            }
            producer.flush();
        }
    }

    private static void produce() {
        for (String acks : List.of("0", "1", "all")) {
            step("produce acks=" + acks, () -> {
                send(producer("acks", acks, "enable.idempotence", "false"), 4);
                return null;
            });
        }
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            step("produce " + codec, () -> {
                send(producer("compression.type", codec, "linger.ms", "50"), 6);
                return null;
            });
        }
        step("produce without a live topic", () -> {
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(producer())) {
                return producer.send(new ProducerRecord<>("created.by.metadata", "v")).get();
            }
        });
    }

    private static void transactions(Admin admin) {
        for (boolean commit : new boolean[] {true, false}) {
            step("transaction commit=" + commit, () -> {
                try (KafkaProducer<String, String> producer = new KafkaProducer<>(producer("transactional.id", "tx1"))) {
                    producer.initTransactions();
                    producer.beginTransaction();
                    producer.send(new ProducerRecord<>("orders", 0, "t", "t"));
                    producer.sendOffsetsToTransaction(
                        Map.of(new TopicPartition("in", 0), new OffsetAndMetadata(0)), new ConsumerGroupMetadata("txgroup"));
                    producer.flush();
                    step("describeProducers", () -> admin.describeProducers(List.of(new TopicPartition("orders", 0))).all());
                    step("listTransactions", () -> admin.listTransactions().all());
                    step("describeTransactions", () -> admin.describeTransactions(List.of("tx1", "absent")).all());
                    if (commit) {
                        producer.commitTransaction();
                    } else {
                        producer.abortTransaction();
                    }
                }
                return null;
            });
        }
        step("fenceProducers", () -> admin.fenceProducers(List.of("tx1")).all());
    }

    private static Properties consumer(String... pairs) {
        Properties properties = common(bootstrap);
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        properties.put("auto.offset.reset", "earliest");
        for (int i = 0; i < pairs.length; i += 2) {
            properties.put(pairs[i], pairs[i + 1]);
        }
        return properties;
    }

    private static void assigned() {
        for (String isolation : List.of("read_uncommitted", "read_committed")) {
            step("consume " + isolation, () -> {
                try (KafkaConsumer<String, String> consumer =
                         new KafkaConsumer<>(consumer("isolation.level", isolation, "client.rack", "r1"))) {
                    List<TopicPartition> all = List.of(new TopicPartition("orders", 0), new TopicPartition("orders", 1));
                    consumer.assign(all);
                    consumer.seekToBeginning(all);
                    for (int i = 0; i < 4; i++) {
                        consumer.poll(Duration.ofMillis(600));
                    }
                    consumer.beginningOffsets(all);
                    consumer.endOffsets(all);
                    consumer.offsetsForTimes(Map.of(all.get(0), 1_700_000_000_001L));
                    consumer.seek(all.get(0), new OffsetAndMetadata(1, Optional.of(0), ""));
                    consumer.poll(Duration.ofMillis(600));
                    consumer.seek(all.get(0), 1_000_000);
                    consumer.poll(Duration.ofMillis(600));
                    consumer.assign(all.subList(0, 1));
                    consumer.poll(Duration.ofMillis(600));
                    consumer.listTopics();
                    consumer.partitionsFor("absent.too");
                }
                return null;
            });
        }
    }

    private static void groups(Admin admin, String protocol) {
        String group = "group-" + protocol;
        step("group " + protocol, () -> {
            Properties properties = consumer("group.id", group, "group.protocol", protocol);
            properties.put("group.instance.id", "static1");
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
                consumer.subscribe(List.of("orders"));
                for (int i = 0; i < 20 && consumer.assignment().isEmpty(); i++) {
                    consumer.poll(Duration.ofMillis(500));
                }
                for (int i = 0; i < 10; i++) {
                    consumer.poll(Duration.ofMillis(500));
                }
                consumer.commitSync();
                consumer.committed(Set.of(new TopicPartition("orders", 0)));
                step("describe " + group, () -> admin.describeConsumerGroups(List.of(group)).all());
            }
            return null;
        });
        step("dynamic member " + protocol, () -> {
            try (KafkaConsumer<String, String> consumer =
                     new KafkaConsumer<>(consumer("group.id", group + "2", "group.protocol", protocol))) {
                consumer.subscribe(List.of("orders"));
                for (int i = 0; i < 20 && consumer.assignment().isEmpty(); i++) {
                    consumer.poll(Duration.ofMillis(500));
                }
            }
            return null;
        });
        step("describeClassicGroups", () -> admin.describeClassicGroups(List.of(group)).all());
        step("listGroups", () -> admin.listGroups().all());
        step("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
        step("removeMembers", () -> admin.removeMembersFromConsumerGroup(group,
            new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("static1")))).all());
        step("alterConsumerGroupOffsets", () -> admin.alterConsumerGroupOffsets(group,
            Map.of(new TopicPartition("orders", 0), new OffsetAndMetadata(1, Optional.of(0), "m"))).all());
        step("deleteConsumerGroupOffsets",
            () -> admin.deleteConsumerGroupOffsets(group, Set.of(new TopicPartition("orders", 1))).all());
        step("deleteConsumerGroups", () -> admin.deleteConsumerGroups(List.of(group, "absent")).all());
    }

    private static void share(Admin admin) {
        step("share configs", () -> admin.incrementalAlterConfigs(Map.of(
            new ConfigResource(ConfigResource.Type.GROUP, "shares"),
            (Collection<AlterConfigOp>) List.of(
                new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET)))).all());
        step("share group", () -> {
            Properties properties = consumer("group.id", "shares", "share.acknowledgement.mode", "explicit");
            properties.remove("auto.offset.reset");
            try (KafkaShareConsumer<String, String> consumer = new KafkaShareConsumer<>(properties)) {
                consumer.subscribe(List.of("orders"));
                for (int i = 0; i < 12; i++) {
                    ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(500));
                    for (ConsumerRecord<String, String> record : records) {
                        consumer.acknowledge(record, AcknowledgeType.ACCEPT);
                    }
                    consumer.commitSync();
                }
            }
            return null;
        });
        step("describeShareGroups", () -> admin.describeShareGroups(List.of("shares")).all());
        step("listShareGroupOffsets",
            () -> admin.listShareGroupOffsets(Map.of("shares", new ListShareGroupOffsetsSpec())).all());
        step("alterShareGroupOffsets",
            () -> admin.alterShareGroupOffsets("shares", Map.of(new TopicPartition("orders", 0), 0L)).all());
        step("deleteShareGroupOffsets", () -> admin.deleteShareGroupOffsets("shares", Set.of("orders")).all());
        step("deleteShareGroups", () -> admin.deleteShareGroups(List.of("shares")).all());
    }

    private static void streams(Admin admin) {
        step("streams group", () -> {
            StreamsBuilder builder = new StreamsBuilder();
            builder.stream("in").to("out");
            Properties properties = common(bootstrap);
            properties.put("application.id", "streams-app");
            properties.put("group.protocol", "streams");
            properties.put("default.key.serde", Serdes.StringSerde.class.getName());
            properties.put("default.value.serde", Serdes.StringSerde.class.getName());
            properties.put("state.dir", java.nio.file.Files.createTempDirectory("capture").toString());
            try (KafkaStreams streams = new KafkaStreams(builder.build(), properties)) {
                streams.start();
                Thread.sleep(8000);
                step("describeStreamsGroups", () -> admin.describeStreamsGroups(List.of("streams-app")).all());
                streams.close(Duration.ofSeconds(10));
            }
            return null;
        });
    }

    private static void administration(Admin admin) {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "orders");
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
        step("incrementalAlterConfigs", () -> admin.incrementalAlterConfigs(Map.of(topic,
            (Collection<AlterConfigOp>) List.of(
                new AlterConfigOp(new ConfigEntry("max.message.bytes", "65536"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE),
                new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND)))).all());
        step("incrementalAlterConfigs bad", () -> admin.incrementalAlterConfigs(Map.of(topic,
            (Collection<AlterConfigOp>) List.of(
                new AlterConfigOp(new ConfigEntry("no.such.key", "1"), AlterConfigOp.OpType.SET)))).all());
        step("incrementalAlterConfigs broker", () -> admin.incrementalAlterConfigs(Map.of(broker,
            (Collection<AlterConfigOp>) List.of(
                new AlterConfigOp(new ConfigEntry("log.cleaner.threads", "2"), AlterConfigOp.OpType.SET)))).all());
        step("describeConfigs", () -> admin.describeConfigs(List.of(topic),
            new DescribeConfigsOptions().includeSynonyms(true)).all());
        step("describeConfigs broker", () -> admin.describeConfigs(List.of(broker)).all());
        step("listConfigResources", () -> admin.listConfigResources());
        step("listOffsets", () -> admin.listOffsets(Map.of(
            new TopicPartition("orders", 0), OffsetSpec.maxTimestamp(),
            new TopicPartition("orders", 1), OffsetSpec.earliestLocal())).all());
        step("deleteRecords", () -> admin.deleteRecords(
            Map.of(new TopicPartition("orders", 0), RecordsToDelete.beforeOffset(2))).all());
        step("describeLogDirs", () -> admin.describeLogDirs(List.of(1)).allDescriptions());
        step("alterReplicaLogDirs", () -> admin.alterReplicaLogDirs(
            Map.of(new TopicPartitionReplica("orders", 0, 1), "/absent")).all());
        step("createAcls", () -> admin.createAcls(List.of(new AclBinding(
            new ResourcePattern(ResourceType.TOPIC, "pay", PatternType.PREFIXED),
            new AccessControlEntry("User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW)))).all());
        step("describeAcls", () -> admin.describeAcls(AclBindingFilter.ANY).values());
        step("deleteAcls", () -> admin.deleteAcls(List.of(AclBindingFilter.ANY)).all());
        step("alterUserScram", () -> admin.alterUserScramCredentials(List.of(
            new UserScramCredentialUpsertion("bob", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "pw"))).all());
        step("describeUserScram", () -> admin.describeUserScramCredentials().all());
        step("alterClientQuotas", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
            new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, "bob")),
            List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e9))))).all());
        step("describeClientQuotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities());
    }

    private static void cluster(Admin admin) {
        step("describeCluster", () -> admin.describeCluster(new DescribeClusterOptions().includeFencedBrokers(true)).nodes());
        step("describeMetadataQuorum", () -> admin.describeMetadataQuorum().quorumInfo());
        step("describeFeatures", () -> admin.describeFeatures().featureMetadata());
        step("updateFeatures", () -> admin.updateFeatures(
            Map.of("group.version", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)),
            new UpdateFeaturesOptions()).all());
        step("electLeaders", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(new TopicPartition("orders", 0))).all());
        step("alterPartitionReassignments", () -> admin.alterPartitionReassignments(
            Map.of(new TopicPartition("orders", 0), Optional.of(new NewPartitionReassignment(List.of(1))))).all());
        step("cancelReassignment", () -> admin.alterPartitionReassignments(
            Map.of(new TopicPartition("orders", 0), Optional.empty())).all());
        step("listPartitionReassignments", () -> admin.listPartitionReassignments().reassignments());
        step("unregisterBroker", () -> admin.unregisterBroker(99).all());
        step("removeRaftVoter", () -> admin.removeRaftVoter(7, Uuid.ONE_UUID).all());
        step("addRaftVoter", () -> admin.addRaftVoter(7, Uuid.ONE_UUID,
            Set.of(new RaftVoterEndpoint("CONTROLLER", "127.0.0.1", 1))).all());
    }

    private static void sasl() {
        Properties properties = common(saslBootstrap);
        properties.put("security.protocol", "SASL_PLAINTEXT");
        properties.put("sasl.mechanism", "PLAIN");
        properties.put("sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"secret\";");
        try (Admin admin = Admin.create(properties)) {
            step("createDelegationToken", () -> {
                var token = admin.createDelegationToken(new CreateDelegationTokenOptions().maxLifetimeMs(3_600_000))
                    .delegationToken().get();
                step("renewDelegationToken", () -> admin.renewDelegationToken(token.hmac()).expiryTimestamp());
                step("describeDelegationToken", () -> admin.describeDelegationToken().delegationTokens());
                step("expireDelegationToken", () -> admin.expireDelegationToken(token.hmac()).expiryTimestamp());
                return null;
            });
        }
        properties.put("sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"wrong\";");
        try (Admin admin = Admin.create(properties)) {
            step("wrong password", () -> admin.describeCluster().nodes());
        }
    }
}
