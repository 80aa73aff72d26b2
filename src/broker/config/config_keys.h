// Which keys act, which are known without acting, which would open the cluster if they were ignored, and which nobody
// knows. dev/parity-configs writes docs/parity/configs.md from the tables here.
#pragma once

#include <string_view>

#include "broker/config/config_reader.h"
#include "broker/config/node_config.h"

namespace moldau::broker {

// Judges every key that is set and its value alone. Keys that Kafka knows and whose value is right go to
// `config.set_keys`, unknown ones and those of one listener to `other_keys`; unknown keys are one of `warnings`, and so
// are known ones without effect for each reason that they have none. A wrong value, and a key that keeps somebody out,
// are faults.
void judge_keys(ConfigReader& reader, NodeConfig& config);

// This release acts on the key.
[[nodiscard]] bool is_in_effect(std::string_view broker_key) noexcept;

// The known broker key that somebody may have meant: a few letters away; "" if there is none. O(number of keys).
[[nodiscard]] std::string_view nearest_key(std::string_view unknown);

}  // namespace moldau::broker
