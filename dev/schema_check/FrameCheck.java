import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * Reads frames of our codecs from standard input (name, version, hex) with the message classes of Apache Kafka on the
 * class path. Each must be read to its end and written back equal. Prints the ones that are not, then the counts.
 */
public final class FrameCheck {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.common.metadata.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.coordinator.share.generated.",
        "org.apache.kafka.raft.generated.",
        "org.apache.kafka.server.log.remote.metadata.storage.generated.",
        "org.apache.kafka.streams.internals.generated.",
    };
    private static final Map<String, Class<?>> CLASSES = new HashMap<>();

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        int frames = 0;
        int faults = 0;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", -1);
            frames++;
            String fault = check(words[0], Short.parseShort(words[1]), HexFormat.of().parseHex(words[2]));
            if (fault != null) {
                faults++;
                System.out.println(words[0] + " v" + words[1] + ": " + fault + ": " + words[2]);
            }
        }
        System.out.println(CLASSES.size() + " classes, " + frames + " frames, " + faults + " faults");
        System.exit(faults == 0 && frames > 0 ? 0 : 1);
    }

    private static String check(String name, short version, byte[] frame) throws Exception {
        Message message = (Message) find(name).getDeclaredConstructor().newInstance();
        ByteBuffer buffer = ByteBuffer.wrap(frame);
        try {
            message.read(new ByteBufferAccessor(buffer), version);
            if (buffer.hasRemaining()) {
                return buffer.remaining() + " bytes left over";
            }
            ObjectSerializationCache cache = new ObjectSerializationCache();
            ByteBuffer out = ByteBuffer.allocate(message.size(cache, version));
            message.write(new ByteBufferAccessor(out), cache, version);
            return Arrays.equals(out.array(), frame) ? null : "written back as " + HexFormat.of().formatHex(out.array());
        } catch (RuntimeException refused) {
            return refused.toString();
        }
    }

    private static Class<?> find(String name) throws ClassNotFoundException {
        Class<?> known = CLASSES.get(name);
        if (known != null) {
            return known;
        }
        for (String prefix : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    Class<?> found = Class.forName(prefix + name + suffix);
                    if (Message.class.isAssignableFrom(found)) {
                        CLASSES.put(name, found);
                        return found;
                    }
                } catch (ClassNotFoundException | NoClassDefFoundError next) {
                    // Another package has it.
                }
            }
        }
        throw new ClassNotFoundException(name);
    }
}
