import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** Apache Kafka's clients. usage: Driver BOOTSTRAP; ../README.md says what it reads and prints. */
public final class Driver {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final HexFormat HEX = HexFormat.of();
    private static final Map<String, KafkaProducer<byte[], byte[]>> PRODUCERS = new HashMap<>();
    private static String bootstrap;
    private static KafkaConsumer<byte[], byte[]> consumer;

    public static void main(String[] args) throws IOException {
        bootstrap = args[0];
        say(MAPPER.createObjectNode().put("client", "Apache Kafka " + AppInfoParser.getVersion()));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String text = in.readLine(); text != null; text = in.readLine()) {
            try {
                JsonNode command = MAPPER.readTree(text);
                if (command.get("do").asText().equals("produce")) {
                    produce(command);
                } else {
                    consume(command);
                }
            } catch (Exception e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                say(MAPPER.createObjectNode().put("error", cause.toString()));
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static void say(ObjectNode answer) {
        System.out.println(answer);
        System.out.flush();
    }

    private static Properties common() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("metadata.max.age.ms", "1000");
        return properties;
    }

    private static KafkaProducer<byte[], byte[]> producer(String codec) {
        return PRODUCERS.computeIfAbsent(codec, key -> {
            Properties properties = common();
            properties.put("compression.type", key);
            properties.put("linger.ms", "20");
            properties.put("max.request.size", "4194304");
            return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
        });
    }

    private static KafkaConsumer<byte[], byte[]> consumer() {
        if (consumer == null) {
            Properties properties = common();
            properties.put("enable.auto.commit", "false");
            properties.put("auto.offset.reset", "earliest");
            consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        }
        return consumer;
    }

    private static byte[] bytes(JsonNode hex) {
        return hex.isNull() ? null : HEX.parseHex(hex.asText());
    }

    private static void produce(JsonNode command) throws Exception {
        KafkaProducer<byte[], byte[]> producer = producer(command.get("codec").asText());
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (String text : Files.readAllLines(Path.of(command.get("records").asText()))) {
            JsonNode one = MAPPER.readTree(text);
            ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(command.get("topic").asText(), command.get("partition").asInt(),
                one.get("timestamp").asLong(), bytes(one.get("key")), bytes(one.get("value")));
            one.get("headers").forEach(header -> record.headers().add(header.get(0).asText(), bytes(header.get(1))));
            sent.add(producer.send(record));
        }
        producer.flush();
        ObjectNode answer = MAPPER.createObjectNode();
        ArrayNode offsets = answer.putArray("offsets");
        for (Future<RecordMetadata> one : sent) {
            offsets.add(one.get(60, TimeUnit.SECONDS).offset());
        }
        say(answer);
    }

    private static void seek(JsonNode command, TopicPartition partition) {
        long at = command.get("at").asLong();
        switch (command.get("from").asText()) {
            case "offset" -> consumer().seek(partition, at);
            case "beginning" -> consumer().seekToBeginning(List.of(partition));
            case "timestamp" -> {
                var found = consumer().offsetsForTimes(Map.of(partition, at)).get(partition);
                if (found == null) {
                    consumer().seekToEnd(List.of(partition));
                } else {
                    consumer().seek(partition, found.offset());
                }
            }
            default -> consumer().seekToEnd(List.of(partition));
        }
    }

    private static void consume(JsonNode command) throws IOException {
        TopicPartition partition = new TopicPartition(command.get("topic").asText(), command.get("partition").asInt());
        consumer().assign(List.of(partition));
        seek(command, partition);
        say(MAPPER.createObjectNode().put("position", consumer().position(partition)));
        int count = command.get("count").asInt();
        int read = 0;
        long deadline = System.currentTimeMillis() + command.get("seconds").asInt() * 1000L;
        try (BufferedWriter out = Files.newBufferedWriter(Path.of(command.get("out").asText()))) {
            while (read < count) {
                for (ConsumerRecord<byte[], byte[]> record : consumer().poll(Duration.ofMillis(200))) {
                    out.write(line(record));
                    out.newLine();
                    read++;
                }
                out.flush(); // who waits for a first part of the records sees it
                if (read < count && System.currentTimeMillis() > deadline) {
                    throw new IllegalStateException(read + " of " + count + " records came");
                }
            }
        }
        say(MAPPER.createObjectNode().put("read", read));
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? null : HEX.formatHex(bytes);
    }

    private static String line(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode node = MAPPER.createObjectNode().put("offset", record.offset()).put("timestamp", record.timestamp())
            .put("key", hex(record.key())).put("value", hex(record.value()));
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(hex(header.value()));
        }
        return node.toString();
    }
}
