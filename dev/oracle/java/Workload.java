import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

/**
 * Drives a broker with Apache Kafka's clients, one command a line on stdin, one line "ok ..." or "error ..." each:
 *
 *   topic NAME PARTITIONS [key=value ...]
 *   produce TOPIC PARTITION COUNT SIZE TIMESTAMP STEP [producer-key=value ...]
 *   txn ID TOPIC PARTITION COUNT commit|abort|open
 *   delete-records TOPIC PARTITION OFFSET
 *   delete-topic NAME
 *   config TYPE NAME key=value ...            TYPE: topic, broker, client-metrics, group
 *   acl PRINCIPAL TOPIC-PREFIX / scram USER / quota USER BYTES / token BOOTSTRAP
 *   offset GROUP TOPIC PARTITION OFFSET
 *   partitions                                 ok [{"topic","partition"}]
 *   view TOPIC PARTITION                       ok {"start","end","lso","read_uncommitted":{..},"read_committed":{..}}
 *   records TOPIC PARTITION                    ok [canonical lines]
 *
 * A produced record is a function of its index: see value() and key(). Transactions left open survive the end of this
 * program, which never closes their producers.
 */
public final class Workload {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final HexFormat HEX = HexFormat.of();
    private static String bootstrap;
    private static Admin admin;
    private static final Map<String, KafkaProducer<byte[], byte[]>> OPEN = new HashMap<>();

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        admin = Admin.create(common());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = "ok " + run(line.split(" "));
            } catch (Throwable e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                answer = "error " + (cause.getClass().getSimpleName() + ": " + cause.getMessage()).replace('\n', ' ');
            }
            System.out.println(answer);
            System.out.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static Properties common() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("default.api.timeout.ms", "60000");
        properties.put("request.timeout.ms", "15000");
        return properties;
    }

    private static String run(String[] words) throws Exception {
        switch (words[0]) {
            case "topic": return topic(words[1], Integer.parseInt(words[2]), pairs(words, 3));
            case "produce": return produce(words);
            case "txn": return transaction(words);
            case "delete-records":
                admin.deleteRecords(Map.of(new TopicPartition(words[1], Integer.parseInt(words[2])),
                    RecordsToDelete.beforeOffset(Long.parseLong(words[3])))).all().get(60, TimeUnit.SECONDS);
                return "";
            case "delete-topic":
                admin.deleteTopics(List.of(words[1])).all().get(60, TimeUnit.SECONDS);
                return "";
            case "config": return config(words[1], words[2], pairs(words, 3));
            case "acl":
                admin.createAcls(List.of(new AclBinding(
                    new ResourcePattern(ResourceType.TOPIC, words[2], PatternType.PREFIXED),
                    new AccessControlEntry(words[1], "*", AclOperation.READ, AclPermissionType.ALLOW)))).all().get();
                return "";
            case "scram":
                admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(words[1],
                    new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret"))).all().get();
                return "";
            case "quota":
                admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
                    new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, words[1])),
                    List.of(new ClientQuotaAlteration.Op("producer_byte_rate", Double.parseDouble(words[2])))))).all().get();
                return "";
            case "token": return token(words[1]);
            case "offset":
                admin.alterConsumerGroupOffsets(words[1], Map.of(new TopicPartition(words[2], Integer.parseInt(words[3])),
                    new OffsetAndMetadata(Long.parseLong(words[4])))).all().get();
                return "";
            case "partitions": return partitions();
            case "view": return view(new TopicPartition(words[1], Integer.parseInt(words[2])));
            case "records":
                return MAPPER.writeValueAsString(lines(new TopicPartition(words[1], Integer.parseInt(words[2])), "read_uncommitted"));
            default: throw new IllegalArgumentException("no such command: " + words[0]);
        }
    }

    private static Map<String, String> pairs(String[] words, int from) {
        Map<String, String> pairs = new TreeMap<>();
        for (String word : Arrays.copyOfRange(words, Math.min(from, words.length), words.length)) {
            int at = word.indexOf('=');
            pairs.put(word.substring(0, at), word.substring(at + 1));
        }
        return pairs;
    }

    private static String topic(String name, int partitions, Map<String, String> configs) throws Exception {
        admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs))).all().get(60, TimeUnit.SECONDS);
        return "";
    }

    static byte[] key(int index) {
        return index % 7 == 3 ? null : ("key-" + index).getBytes(StandardCharsets.UTF_8);
    }

    static byte[] value(int index, int size) {
        if (index % 11 == 5) {
            return null;
        }
        byte[] value = new byte[size];
        byte[] text = ("record " + index + " of the workload, ").getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < size; i++) {
            value[i] = text[i % text.length];
        }
        return value;
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, int partition, int index, int size, long timestamp) {
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(topic, partition, timestamp, key(index), value(index, size));
        if (index % 3 == 0) {
            record.headers().add("index", Integer.toString(index).getBytes(StandardCharsets.UTF_8));
            record.headers().add("none", null);
            record.headers().add("", new byte[0]);
        }
        return record;
    }

    private static KafkaProducer<byte[], byte[]> producer(Map<String, String> settings) {
        Properties properties = common();
        properties.put("linger.ms", "20");
        properties.put("delivery.timeout.ms", "30000");
        properties.putAll(settings);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** COUNT records, numbered from 0, STEP ms apart; the answer is the last offset. */
    private static String produce(String[] words) throws Exception {
        int partition = Integer.parseInt(words[2]);
        int count = Integer.parseInt(words[3]);
        int size = Integer.parseInt(words[4]);
        long timestamp = Long.parseLong(words[5]);
        long step = Long.parseLong(words[6]);
        try (KafkaProducer<byte[], byte[]> producer = producer(pairs(words, 7))) {
            List<java.util.concurrent.Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                sent.add(producer.send(record(words[1], partition, i, size, timestamp + i * step)));
            }
            producer.flush();
            long last = -1;
            for (var one : sent) {
                last = one.get().offset();
            }
            return Long.toString(last);
        }
    }

    private static String transaction(String[] words) throws Exception {
        KafkaProducer<byte[], byte[]> producer = OPEN.get(words[1]);
        if (producer == null) {
            producer = producer(Map.of("transactional.id", words[1], "transaction.timeout.ms", "900000"));
            producer.initTransactions();
            OPEN.put(words[1], producer);
        }
        producer.beginTransaction();
        long last = -1;
        for (int i = 0; i < Integer.parseInt(words[4]); i++) {
            last = producer.send(record(words[2], Integer.parseInt(words[3]), i, 40, 1_700_000_000_000L + i)).get().offset();
        }
        if (words[5].equals("commit")) {
            producer.commitTransaction();
        } else if (words[5].equals("abort")) {
            producer.abortTransaction();
        }
        return Long.toString(last);
    }

    private static String config(String type, String name, Map<String, String> values) throws Exception {
        ConfigResource resource = new ConfigResource(
            ConfigResource.Type.valueOf(type.toUpperCase().replace('-', '_')), name.equals("default") ? "" : name);
        Collection<AlterConfigOp> operations = new ArrayList<>();
        values.forEach((key, value) ->
            operations.add(new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET)));
        admin.incrementalAlterConfigs(Map.of(resource, operations)).all().get(60, TimeUnit.SECONDS);
        return "";
    }

    private static String token(String saslBootstrap) throws Exception {
        Properties properties = common();
        properties.put("bootstrap.servers", saslBootstrap);
        properties.put("security.protocol", "SASL_PLAINTEXT");
        properties.put("sasl.mechanism", "PLAIN");
        properties.put("sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"secret\";");
        try (Admin sasl = Admin.create(properties)) {
            sasl.createDelegationToken().delegationToken().get();
            return "";
        }
    }

    private static String partitions() throws Exception {
        List<Map<String, Object>> all = new ArrayList<>();
        var names = new TreeSet<>(admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get());
        var described = admin.describeTopics(names).allTopicNames().get();
        for (String name : names) {
            for (var partition : described.get(name).partitions()) {
                all.add(new TreeMap<>(Map.of("topic", name, "partition", partition.partition())));
            }
        }
        return MAPPER.writeValueAsString(all);
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String isolation) {
        Properties properties = common();
        properties.put("isolation.level", isolation);
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "none");
        properties.put("fetch.max.wait.ms", "20"); // close() waits for the fetch that is under way
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** offset|timestamp type and timestamp|key|value|name=value,... with bytes in hex and `-` for null. */
    private static List<String> lines(TopicPartition partition, String isolation) {
        List<String> lines = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(isolation)) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            long deadline = System.currentTimeMillis() + 60_000;
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    lines.add(line(record));
                }
                if (System.currentTimeMillis() > deadline) {
                    throw new IllegalStateException(partition + ": at " + consumer.position(partition) + ", end " + end);
                }
            }
        }
        return lines;
    }

    private static String line(ConsumerRecord<byte[], byte[]> record) {
        StringBuilder headers = new StringBuilder();
        for (Header header : record.headers()) {
            headers.append(headers.isEmpty() ? "" : ",").append(header.key()).append('=').append(hex(header.value()));
        }
        return record.offset() + "|" + record.timestampType() + " " + record.timestamp() + "|" + hex(record.key()) + "|"
            + hex(record.value()) + "|" + headers;
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? "-" : HEX.formatHex(bytes);
    }

    private static String view(TopicPartition partition) throws Exception {
        ObjectNode view = MAPPER.createObjectNode();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("read_uncommitted")) {
            view.put("start", consumer.beginningOffsets(List.of(partition)).get(partition));
            view.put("end", consumer.endOffsets(List.of(partition)).get(partition));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("read_committed")) {
            view.put("lso", consumer.endOffsets(List.of(partition)).get(partition));
        }
        for (String isolation : List.of("read_uncommitted", "read_committed")) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            List<String> lines = lines(partition, isolation);
            for (String line : lines) {
                digest.update((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
            view.set(isolation, MAPPER.createObjectNode().put("records", lines.size()).put("sha256", HEX.formatHex(digest.digest())));
        }
        return MAPPER.writeValueAsString(view);
    }
}
