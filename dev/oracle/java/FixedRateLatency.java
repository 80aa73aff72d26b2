import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * End-to-end latency at a fixed rate, open loop: record i is due at start + i / rate, whether or not its predecessors have
 * arrived, and its latency counts from when it was due. Prints "p50 p90 p99" in microseconds; the first third, in
 * which the client itself is still being compiled, is not counted.
 *
 * <p>Arguments: bootstrap topic records rate size acks. The topic exists, empty, with one partition.
 */
public final class FixedRateLatency {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String topic = args[1];
        int count = Integer.parseInt(args[2]);
        long intervalNanos = 1_000_000_000L / Integer.parseInt(args[3]);
        int size = Integer.parseInt(args[4]);
        Map<String, Object> producing = Map.of("bootstrap.servers", bootstrap, "linger.ms", 0, "acks", args[5],
            "key.serializer", ByteArraySerializer.class, "value.serializer", ByteArraySerializer.class);
        Map<String, Object> consuming = Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest",
            "key.deserializer", ByteArrayDeserializer.class, "value.deserializer", ByteArrayDeserializer.class);

        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producing);
             KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(consuming)) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            consumer.poll(Duration.ofMillis(100));
            producer.partitionsFor(topic);
            AtomicReference<Exception> refused = new AtomicReference<>();
            Thread sender = new Thread(() -> send(producer, topic, count, intervalNanos, size, refused), "sender");
            sender.start();
            long[] latencies = receive(consumer, count, refused);
            sender.join();
            Arrays.sort(latencies);
            System.out.printf("%.1f %.1f %.1f%n", micros(latencies, 0.5), micros(latencies, 0.9), micros(latencies, 0.99));
        }
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, int count, long intervalNanos, int size,
                             AtomicReference<Exception> refused) {
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long due = start + i * intervalNanos;
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            byte[] value = ByteBuffer.allocate(size).putLong(due).array();
            producer.send(new ProducerRecord<>(topic, 0, null, value), (metadata, error) -> {
                if (error != null) {
                    refused.compareAndSet(null, error);
                }
            });
        }
    }

    /** The latencies of all records but the first third, in nanoseconds. */
    private static long[] receive(KafkaConsumer<byte[], byte[]> consumer, int count, AtomicReference<Exception> refused)
            throws Exception {
        int skipped = count / 3;
        long[] latencies = new long[count - skipped];
        int received = 0;
        long lastArrival = System.nanoTime();
        while (received < count) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                lastArrival = System.nanoTime();
                if (received >= skipped) {
                    latencies[received - skipped] = lastArrival - ByteBuffer.wrap(record.value()).getLong();
                }
                received++;
            }
            if (refused.get() != null) {
                throw refused.get();
            }
            if (System.nanoTime() - lastArrival > PATIENCE.toNanos()) {
                throw new IllegalStateException(received + " of " + count + " records arrived");
            }
        }
        return latencies;
    }

    private static double micros(long[] sorted, double quantile) {
        return sorted[(int) Math.min(sorted.length - 1L, Math.round(sorted.length * quantile))] / 1000.0;
    }
}
