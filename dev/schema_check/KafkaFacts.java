import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.AbstractKafkaConfig;
import org.apache.kafka.server.config.ConfigSynonym;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.DynamicConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * Prints what the jars of Apache Kafka on the class path say about error codes and configuration keys: one line a
 * fact, fields separated by tabs, for dev/schema-check to compare with schema/.
 */
public final class KafkaFacts {
    private static final String NONE = "\\0";

    public static void main(String[] args) throws Exception {
        errors();
        Map<String, String> modes = DynamicBrokerConfig.dynamicConfigUpdateModes();
        for (ConfigDef.ConfigKey key : sorted(AbstractKafkaConfig.CONFIG_DEF)) {
            config("broker", key, modes.getOrDefault(key.name, "read-only"));
        }
        for (ConfigDef.ConfigKey key : new TreeMap<>(DynamicConfig.Broker.configKeys()).values()) {
            if (!AbstractKafkaConfig.CONFIG_DEF.names().contains(key.name)) {
                config("broker", key, modes.getOrDefault(key.name, "per-broker") + "-only");
            }
        }
        Field topicKeys = LogConfig.class.getDeclaredField("CONFIG");
        topicKeys.setAccessible(true);
        for (ConfigDef.ConfigKey key : sorted((ConfigDef) topicKeys.get(null))) {
            config("topic", key, "topic");
        }
        for (ConfigDef.ConfigKey key : sorted(GroupConfig.CONFIG_DEF)) {
            config("group", key, "group");
        }
        for (ConfigDef.ConfigKey key : sorted(ClientMetricsConfigs.configDef())) {
            config("client-metrics", key, "client-metrics");
        }
        synonyms();
    }

    private static void errors() {
        for (Errors error : Errors.values()) {
            boolean retriable = error.exception() instanceof RetriableException;
            boolean refresh = error.exception() instanceof InvalidMetadataException;
            print("error", String.valueOf(error.code()), error.name(), retriable ? "retriable" : "final",
                refresh ? "refresh" : "keep");
        }
    }

    private static Iterable<ConfigDef.ConfigKey> sorted(ConfigDef def) {
        return new TreeMap<>(def.configKeys()).values();
    }

    private static void config(String scope, ConfigDef.ConfigKey key, String mode) throws Exception {
        String value;
        if (!key.hasDefault()) {
            value = NONE;
        } else if (key.defaultValue == null) {
            value = "null";
        } else {
            value = "=" + ConfigDef.convertToString(key.defaultValue, key.type);
        }
        print("config", scope, key.name, key.type.name().toLowerCase(), value, key.importance.name().toLowerCase(), mode,
            key.internalConfig ? "internal" : "public", validator(key.validator));
    }

    private static void synonyms() {
        for (var entry : new TreeMap<>(ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS).entrySet()) {
            List<String> fields = new ArrayList<>(List.of("synonyms", entry.getKey()));
            for (ConfigSynonym synonym : entry.getValue()) {
                // The converters are lambdas without names: 1 shows their factor.
                fields.add(synonym.name() + "*" + synonym.converter().apply("1"));
            }
            print(fields.toArray(String[]::new));
        }
        for (String name : new TreeMap<>(AbstractKafkaConfig.CONFIG_DEF.configKeys()).keySet()) {
            List<String> order = DynamicBrokerConfig.brokerConfigSynonyms(name, false);
            if (!order.equals(List.of(name))) {
                List<String> fields = new ArrayList<>(List.of("precedence", name));
                fields.addAll(order);
                print(fields.toArray(String[]::new));
            }
        }
    }

    /** The facts of a validator, from its fields: its text form is partly prose. */
    private static String validator(ConfigDef.Validator validator) throws Exception {
        if (validator == null) {
            return "any";
        }
        String name = validator.getClass().getSimpleName();
        switch (name) {
            case "Range":
                return "range " + get(validator, "min") + " " + get(validator, "max");
            case "ValidString":
            case "CaseInsensitiveValidString":
                return (name.equals("ValidString") ? "one-of " : "one-of-nocase ") + get(validator, "validStrings");
            case "ValidList":
                return "list " + values(get(get(validator, "validString"), "validStrings")) + " " + get(validator, "isEmptyAllowed")
                    + " " + get(validator, "isNullAllowed");
            case "ListSize":
                return "list-size " + get(validator, "maxSize");
            case "CompositeValidator": {
                List<String> parts = new ArrayList<>();
                for (Object part : (List<?>) get(validator, "validators")) {
                    parts.add(validator((ConfigDef.Validator) part));
                }
                return "all " + String.join(" & ", parts);
            }
            case "LambdaValidator":
                return "lambda " + validator;
            default:
                return "class " + name;
        }
    }

    private static String values(Object strings) {
        return strings == null ? "[]" : strings.toString();
    }

    private static Object get(Object from, String name) throws Exception {
        for (Class<?> at = from.getClass(); at != null; at = at.getSuperclass()) {
            for (Field field : at.getDeclaredFields()) {
                if (field.getName().equals(name)) {
                    field.setAccessible(true);
                    return field.get(from);
                }
            }
        }
        throw new NoSuchFieldException(from.getClass() + "." + name);
    }

    private static void print(String... fields) {
        StringBuilder line = new StringBuilder();
        for (String field : fields) {
            if (line.length() > 0) {
                line.append('\t');
            }
            line.append(field.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"));
        }
        System.out.println(line);
    }
}
