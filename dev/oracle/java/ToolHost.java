import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.common.utils.Exit;

/**
 * Runs the main methods of Apache Kafka's tools one after the other in one JVM, a line each:
 *
 *   {"main": CLASS, "arguments": [...], "input": TEXT} -> {"exit": N, "out": TEXT, "err": TEXT}
 *
 * A tool ends where it would have ended the process; what it prints behind that is dropped, what it would do while the process shuts down is done. An exception that leaves main
 * is printed with its stack and counts as exit 1, as the JVM would have it.
 */
public final class ToolHost {
    /** Ends the tool's thread in the place of the process. */
    private static final class Ended extends Error {
        Ended() {
            super("the tool has ended", null, false, false);
        }
    }

    /** Keeps what is written until the tool has ended. */
    private static final class Capture extends OutputStream {
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

        @Override
        public synchronized void write(int octet) {
            if (exit == null) {
                kept.write(octet);
            }
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            if (exit == null) {
                kept.write(bytes, offset, length);
            }
        }

        synchronized String text() {
            return kept.toString(StandardCharsets.UTF_8);
        }
    }

    private static volatile Integer exit;

    private static final List<Runnable> hooks = new ArrayList<>();

    private static void runHooks() {
        List<Runnable> due = List.copyOf(hooks);
        hooks.clear();
        due.forEach(Runnable::run);
    }

    private static void end(int code) {
        runHooks();
        System.out.flush();
        System.err.flush();
        if (exit == null) {
            exit = code;
        }
        throw new Ended();
    }

    private static ObjectNode run(ObjectMapper mapper, JsonNode asked) throws Exception {
        String[] arguments = new String[asked.get("arguments").size()];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = asked.get("arguments").get(i).asText();
        }
        Capture out = new Capture();
        Capture err = new Capture();
        exit = null;
        hooks.clear();
        System.setIn(new ByteArrayInputStream(asked.get("input").asText().getBytes(StandardCharsets.UTF_8)));
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            Method main = Class.forName(asked.get("main").asText()).getMethod("main", String[].class);
            main.invoke(null, (Object) arguments);
            runHooks();
        } catch (InvocationTargetException failed) {
            if (exit == null) {
                failed.getCause().printStackTrace();
                exit = 1;
            }
        }
        ObjectNode answer = mapper.createObjectNode();
        answer.put("exit", exit == null ? 0 : exit);
        answer.put("out", out.text());
        answer.put("err", err.text());
        return answer;
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        Exit.setExitProcedure((code, message) -> end(code));
        Exit.setHaltProcedure((code, message) -> end(code));
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            answers.println(mapper.writeValueAsString(run(mapper, mapper.readTree(line))));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
