// What --bootstrap-server takes: HOST:PORT, or several with commas between. Pure.
// Source: ClientUtils.parseAndValidateAddresses. Difference: a scheme is refused, which Kafka reads over.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/net.h"

namespace moldau::apps {

// At least one. The error is a sentence that names the wrong one.
[[nodiscard]] std::expected<std::vector<runtime::Endpoint>, std::string> parse_bootstrap_servers(std::string_view text);

// "host:1", "[::1]:1".
[[nodiscard]] std::string text_of(const runtime::Endpoint& at);

}  // namespace moldau::apps
