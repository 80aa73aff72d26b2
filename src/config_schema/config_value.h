// Reads and judges the text of a configuration value by the rules of Kafka's ConfigDef.
// Source: org.apache.kafka.common.config.ConfigDef (parseType and the validators). Differences: classes are not loaded,
// and host names are not judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config_schema/config_key.h"

namespace moldau::config {

// Leading and trailing blanks and control characters do not count, in all of these.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text) noexcept;  // true or false, case does not matter
[[nodiscard]] std::optional<std::int16_t> parse_short(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::int32_t> parse_int(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::int64_t> parse_long(std::string_view text) noexcept;
[[nodiscard]] std::optional<double> parse_double(std::string_view text) noexcept;
// Split at commas, blanks around them dropped; "" is the empty list. The views point into `text`.
[[nodiscard]] std::vector<std::string_view> parse_list(std::string_view text);
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

// nullptr if the key takes this value, else what it asks for: "must be a 32-bit integer". O(length of the text).
[[nodiscard]] const char* refuse_value(const ConfigKey& key, std::string_view text);

// The value as Kafka prints it once it has read it: " 0070 " is "70", "TRUE" "true", "0.10" "0.1", "a , b" "a,b", and a
// list that may name no value twice is without repetitions. What cannot be read comes back as it is. O(length²) for
// such a list.
[[nodiscard]] std::string shown_value(const ConfigKey& key, std::string_view text);

// As Java's Double.toString prints it, but always with the fewest digits: 0.5, 1.0E10.
[[nodiscard]] std::string shown_double(double value);

}  // namespace moldau::config
