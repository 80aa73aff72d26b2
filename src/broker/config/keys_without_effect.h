// Why a configuration key of Kafka's changes nothing here. Such a key is accepted, checked, stored and described as in
// Kafka. dev/parity-configs reads the table too: a key that is not in effect and has no reason is a fault there.
#pragma once

#include <string_view>

#include "config_schema/config_key.h"

namespace moldau::broker {

// One half of a sentence, for operators: "there is no tiered storage". "" if nothing is known against the key. The key
// may be in effect all the same: ask that first.
[[nodiscard]] std::string_view why_without_effect(config::Scope scope, std::string_view key) noexcept;

}  // namespace moldau::broker
