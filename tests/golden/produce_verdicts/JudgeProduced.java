// Judges produced bytes with the classes of Apache Kafka: reads cases, writes them with the verdict. See README.md.

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;
import org.apache.kafka.storage.internals.log.RecordValidationException;

public class JudgeProduced {
    private final short version;
    private final long now;
    private final boolean compacted;
    private final TimestampType type;
    private final long before;
    private final long after;
    private final long batchBytesMax;
    private final long segmentBytes;
    private final byte[] data;
    private final Compression target;  // null: compression.type is producer

    JudgeProduced(String[] fields) {
        version = Short.parseShort(fields[0]);
        now = Long.parseLong(fields[1]);
        compacted = fields[2].equals("1");
        type = fields[3].equals("1") ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME;
        before = Long.parseLong(fields[4]);
        after = Long.parseLong(fields[5]);
        batchBytesMax = Long.parseLong(fields[6]);
        segmentBytes = Long.parseLong(fields[7]);
        data = HexFormat.of().parseHex(fields[8]);
        target = fields.length == 9 ? null : switch (fields[9]) {
            case "uncompressed" -> Compression.NONE;
            case "gzip" -> Compression.gzip().level(Integer.parseInt(fields[10])).build();
            case "snappy" -> Compression.snappy().build();
            case "lz4" -> Compression.lz4().level(Integer.parseInt(fields[10])).build();
            case "zstd" -> Compression.zstd().level(Integer.parseInt(fields[10])).build();
            default -> throw new IllegalArgumentException(fields[9]);
        };
    }

    String verdict() {
        try {
            byte[] stored = append();
            boolean unchanged = Arrays.equals(stored, data);
            if (target != null)
                return "0 - " + HexFormat.of().formatHex(withoutCodec(stored));
            return "0 - " + (unchanged ? "=" : HexFormat.of().formatHex(stored));
        } catch (RecordValidationException e) {
            String indexes = e.recordErrors().stream().map(r -> String.valueOf(r.batchIndex)).collect(Collectors.joining(","));
            return Errors.forException(e.invalidException()).code() + " " + indexes + " -";
        } catch (Throwable e) {
            return Errors.forException(e).code() + " - -";
        }
    }

    // The header without length and CRC, which hang on the compressed bytes, and the plain records.
    private static byte[] withoutCodec(byte[] stored) throws Exception {
        DefaultRecordBatch batch = (DefaultRecordBatch) MemoryRecords.readableRecords(ByteBuffer.wrap(stored)).batches().iterator().next();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(stored, 0, 8);
        out.write(stored, 12, 5);
        out.write(stored, 21, 40);
        try (InputStream in = batch.recordInputStream(BufferSupplier.NO_CACHING)) {
            in.transferTo(out);
        }
        return out.toByteArray();
    }

    // The steps of a leader's append that look at the records, in its order, around Kafka's own validators.
    private byte[] append() {
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(data));
        ProduceRequest.validateRecords(version, records);
        CompressionType source = CompressionType.NONE;
        int validBytes = 0;
        int epoch = RecordBatch.NO_PARTITION_LEADER_EPOCH;
        for (MutableRecordBatch batch : records.batches()) {
            if (batch.baseOffset() != 0)
                throw new InvalidRecordException("base offset");
            epoch = batch.partitionLeaderEpoch();
            if (batch.sizeInBytes() > batchBytesMax)
                throw new RecordTooLargeException("max.message.bytes");
            if (!((DefaultRecordBatch) batch).isValid())
                throw new CorruptRecordException("crc");
            source = batch.compressionType();
            validBytes += batch.sizeInBytes();
        }
        MemoryRecords trimmed = MemoryRecords.readableRecords(ByteBuffer.wrap(Arrays.copyOf(data, validBytes)));
        MemoryRecords stored = new LogValidator(trimmed, new TopicPartition("topic", 0), new FixedTime(now), source,
            target == null ? Compression.of(source).build() : target, compacted, RecordBatch.CURRENT_MAGIC_VALUE, type, before, after, epoch,
            AppendOrigin.CLIENT)
            .validateMessagesAndAssignOffsets(PrimitiveRef.ofLong(0), new NoMetrics(), BufferSupplier.NO_CACHING)
            .validatedRecords();
        if (target != null)
            for (RecordBatch batch : stored.batches())
                if (batch.sizeInBytes() > batchBytesMax)
                    throw new RecordTooLargeException("max.message.bytes");
        if (stored.sizeInBytes() > segmentBytes)
            throw new RecordBatchTooLargeException("segment.bytes");
        byte[] bytes = new byte[stored.sizeInBytes()];
        stored.buffer().duplicate().rewind().get(bytes);
        return bytes;
    }

    private record FixedTime(long milliseconds) implements Time {
        @Override public long nanoseconds() { return 0; }
        @Override public void sleep(long ms) { }
        @Override public void waitObject(Object object, Supplier<Boolean> condition, long deadlineMs) { }
        @Override public <T> T waitForFuture(Future<T> future, long deadlineNanos) { throw new UnsupportedOperationException(); }
    }

    private static class NoMetrics implements LogValidator.MetricsRecorder {
        @Override public void recordInvalidMagic() { }
        @Override public void recordInvalidOffset() { }
        @Override public void recordInvalidSequence() { }
        @Override public void recordInvalidChecksums() { }
        @Override public void recordNoKeyCompactedTopic() { }
    }

    public static void main(String[] args) throws Exception {
        int given = args.length > 0 && args[0].equals("rebuilt") ? 11 : 9;
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        PrintWriter out = new PrintWriter(System.out);
        for (String line; (line = in.readLine()) != null; ) {
            String[] fields = Arrays.copyOf(line.split(" "), given);
            out.println(String.join(" ", fields) + " " + new JudgeProduced(fields).verdict());
        }
        out.flush();
    }
}
