// Which keys act, which are known without acting, which would open the cluster if they were ignored, and which nobody
// knows. dev/parity-configs writes docs/parity/configs.md from the tables here.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/config_reader.h"

namespace moldau::broker {

// Judges every key that is set and its value alone. Keys that Kafka knows and whose value is right go to `set_keys`;
// unknown keys and known ones without effect are one line of `warnings` each kind. A wrong value, and a key that keeps
// somebody out, are faults.
void judge_keys(ConfigReader& reader, std::map<std::string, std::string, std::less<>>& set_keys,
                std::vector<std::string>& warnings);

// The known broker key that somebody may have meant: a few letters away; "" if there is none. O(number of keys).
[[nodiscard]] std::string_view nearest_key(std::string_view unknown);

}  // namespace moldau::broker
