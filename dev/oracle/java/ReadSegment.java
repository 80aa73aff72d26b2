import java.io.File;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.FileLogInputStream;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.Utils;

/** Prints each batch and record of a segment file as one JSON line, as Apache Kafka's own reader sees them. */
public final class ReadSegment {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        try (FileRecords records = FileRecords.open(new File(args[0]), false)) {
            for (FileLogInputStream.FileChannelRecordBatch batch : records.batches()) {
                batch.ensureValid();
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("batch", batch.baseOffset());
                line.put("position", batch.position());
                line.put("sizeInBytes", batch.sizeInBytes());
                line.put("partitionLeaderEpoch", batch.partitionLeaderEpoch());
                line.put("magic", batch.magic());
                line.put("crc", batch.checksum());
                line.put("compression", batch.compressionType().name);
                line.put("timestampType", batch.timestampType().name);
                line.put("transactional", batch.isTransactional());
                line.put("control", batch.isControlBatch());
                line.put("lastOffset", batch.lastOffset());
                line.put("maxTimestamp", batch.maxTimestamp());
                line.put("producerId", batch.producerId());
                line.put("producerEpoch", batch.producerEpoch());
                line.put("baseSequence", batch.baseSequence());
                line.put("count", batch.countOrNull());
                System.out.println(mapper.writeValueAsString(line));
                for (Record record : batch) {
                    System.out.println(mapper.writeValueAsString(json(record)));
                }
            }
        }
    }

    private static Map<String, Object> json(Record record) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("offset", record.offset());
        line.put("timestamp", record.timestamp());
        line.put("sequence", record.sequence());
        line.put("key", record.hasKey() ? HEX.formatHex(Utils.toArray(record.key())) : null);
        line.put("value", record.hasValue() ? HEX.formatHex(Utils.toArray(record.value())) : null);
        List<Object> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            List<String> pair = new ArrayList<>();
            pair.add(header.key());
            pair.add(header.value() == null ? null : HEX.formatHex(header.value()));
            headers.add(pair);
        }
        line.put("headers", headers);
        return line;
    }
}
