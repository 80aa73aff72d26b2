// The configuration of a node from its sources, with the defaults that depend on this machine.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "apps/command_line.h"
#include "broker/config/node_config.h"

namespace moldau::apps {

struct NodeSettings {
  broker::NodeConfig config;
  bool directory_was_named = false;  // log.dirs or log.dir is set: somebody chose the directory
};

// The error is one line that names the source: a file with its line, a variable, --set.
[[nodiscard]] std::expected<NodeSettings, std::string> read_node_settings(const ConfigSources& sources);

// What moldau.request.memory.bytes is if nobody says: min(25 % of the memory this process may use, 1 GiB).
[[nodiscard]] std::int64_t default_request_memory(std::int64_t memory_bytes);
// This machine's full name as its resolver tells it, or the short one; "localhost" if it has none. May wait for the
// network.
[[nodiscard]] std::string canonical_host_name();
// The machine's memory, or the control group's limit if that is lower.
[[nodiscard]] std::int64_t usable_memory_bytes();

}  // namespace moldau::apps
