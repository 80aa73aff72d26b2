import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.RequestHeaderDataJsonConverter;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.message.ResponseHeaderDataJsonConverter;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Turns Kafka frames into JSON and back with Apache Kafka's own generated classes, one line a frame:
 *
 *   decode request  KEY VERSION HEX                     -> ok {"header":{...},"body":{...},"rest":N}
 *   decode response KEY VERSION HEX                     -> the same
 *   encode request  KEY VERSION {"header":..,"body":..} -> ok HEX
 *   encode response KEY VERSION {"header":..,"body":..} -> ok HEX
 *
 * HEX is the frame without its size field. `rest` counts the bytes that the body left over. What fails is answered by
 * "error" and the reason on one line; the program goes on until its input ends.
 */
public final class Frames {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final HexFormat HEX = HexFormat.of();
    private static final Map<Class<?>, Class<?>> CONVERTERS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = "ok " + answer(line);
            } catch (InvocationTargetException e) {
                answer = "error " + oneLine(e.getCause());
            } catch (Exception e) {
                answer = "error " + oneLine(e);
            }
            out.println(answer);
            if (!in.ready()) {
                out.flush();
            }
        }
        out.flush();
    }

    private static String answer(String line) throws Exception {
        String[] words = line.split(" ", 5);
        if (words.length != 5) {
            throw new IllegalArgumentException("five words wanted: " + line);
        }
        boolean request = words[1].equals("request");
        ApiMessageType type = ApiMessageType.fromApiKey(Short.parseShort(words[2]));
        short version = Short.parseShort(words[3]);
        short headerVersion = request ? type.requestHeaderVersion(version) : type.responseHeaderVersion(version);
        ApiMessage body = request ? type.newRequest() : type.newResponse();
        if (version < body.lowestSupportedVersion() || version > body.highestSupportedVersion()) {
            throw new IllegalArgumentException("version " + version + " of " + type.name + " does not exist");
        }
        if (words[0].equals("decode")) {
            return decode(request, headerVersion, body, version, HEX.parseHex(words[4]));
        }
        if (words[0].equals("encode")) {
            return encode(request, headerVersion, body, version, MAPPER.readTree(words[4]));
        }
        throw new IllegalArgumentException("decode or encode wanted: " + words[0]);
    }

    private static String decode(boolean request, short headerVersion, ApiMessage body, short version, byte[] frame)
            throws Exception {
        ByteBuffer buffer = ByteBuffer.wrap(frame);
        ByteBufferAccessor readable = new ByteBufferAccessor(buffer);
        ObjectNode result = MAPPER.createObjectNode();
        if (request) {
            result.set("header", RequestHeaderDataJsonConverter.write(
                new RequestHeaderData(readable, headerVersion), headerVersion));
        } else {
            result.set("header", ResponseHeaderDataJsonConverter.write(
                new ResponseHeaderData(readable, headerVersion), headerVersion));
        }
        body.read(readable, version);
        Method write = converter(body).getMethod("write", body.getClass(), short.class, boolean.class);
        JsonNode json = (JsonNode) write.invoke(null, body, version, true);
        attachRecords(body, json);
        result.set("body", json);
        result.put("rest", buffer.remaining());
        return MAPPER.writeValueAsString(result);
    }

    /** Apache's converters leave an empty value where records were; this puts their bytes there. */
    private static void attachRecords(Object message, JsonNode json) throws Exception {
        for (Method getter : message.getClass().getDeclaredMethods()) {
            JsonNode child = json.get(getter.getName());
            if (child == null || child.isNull() || getter.getParameterCount() != 0) {
                continue;
            }
            if (BaseRecords.class.isAssignableFrom(getter.getReturnType())) {
                ByteBuffer records = ((MemoryRecords) getter.invoke(message)).buffer().duplicate();
                byte[] bytes = new byte[records.remaining()];
                records.get(bytes);
                ((ObjectNode) json).put(getter.getName(), bytes);
            } else if (Collection.class.isAssignableFrom(getter.getReturnType()) && child.size() > 0 && child.get(0).isObject()) {
                int index = 0;
                for (Object element : (Collection<?>) getter.invoke(message)) {
                    attachRecords(element, child.get(index++));
                }
            }
        }
    }

    private static String encode(boolean request, short headerVersion, ApiMessage empty, short version, JsonNode json)
            throws Exception {
        ApiMessage header = request
            ? RequestHeaderDataJsonConverter.read(json.get("header"), headerVersion)
            : ResponseHeaderDataJsonConverter.read(json.get("header"), headerVersion);
        Method read = converter(empty).getMethod("read", JsonNode.class, short.class);
        ApiMessage body = (ApiMessage) read.invoke(null, json.get("body"), version);
        return HEX.formatHex(bytes(header, headerVersion)) + HEX.formatHex(bytes(body, version));
    }

    private static byte[] bytes(ApiMessage message, short version) {
        ByteBufferAccessor written = MessageUtil.toByteBufferAccessor(message, version);
        ByteBuffer buffer = written.buffer();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static Class<?> converter(ApiMessage message) throws ClassNotFoundException {
        Class<?> known = CONVERTERS.get(message.getClass());
        if (known == null) {
            known = Class.forName(message.getClass().getName() + "JsonConverter");
            CONVERTERS.put(message.getClass(), known);
        }
        return known;
    }

    private static String oneLine(Throwable e) {
        return (e.getClass().getSimpleName() + ": " + e.getMessage()).replace('\n', ' ').replace('\r', ' ');
    }
}
