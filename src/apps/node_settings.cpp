#include "apps/node_settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include <netdb.h>
#include <unistd.h>

#include "broker/config/config_providers.h"
#include "runtime/asio/posix_fs.h"

namespace moldau::apps {
namespace {

constexpr std::uint64_t kConfigBytesMax = 16 << 20;
constexpr std::int64_t kRequestMemoryMax = std::int64_t{1} << 30;
constexpr const char* kCgroupLimit = "/sys/fs/cgroup/memory.max";

std::vector<std::string> environment_entries() {
  std::vector<std::string> entries;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  return entries;
}

std::expected<broker::ConfigLayers, std::string> read_layers(const ConfigSources& sources) {
  broker::ConfigLayers layers;
  runtime::PosixFileSystem fs;
  if (!sources.file.empty()) {
    const auto content = runtime::read_file(fs, sources.file, kConfigBytesMax);
    if (!content) {
      return std::unexpected("--config " + sources.file + ": " + content.error().message());
    }
    if (auto fault = layers.add_properties(sources.file, *content)) {
      return std::unexpected(std::move(fault->text));
    }
  }
  const std::vector<std::string> environment = environment_entries();
  if (auto fault = layers.add_environment(environment)) {
    return std::unexpected(std::move(fault->text));
  }
  for (const std::string& setting : sources.settings) {
    if (auto fault = layers.add_setting(setting)) {
      return std::unexpected(std::move(fault->text));
    }
  }
  if (auto fault = broker::fill_from_providers(layers, fs, environment)) {
    return std::unexpected(std::move(fault->text));
  }
  return layers;
}

}  // namespace

std::int64_t default_request_memory(std::int64_t memory_bytes) {
  return std::min(memory_bytes / 4, kRequestMemoryMax);
}

std::string canonical_host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') {
    return "localhost";
  }
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name, nullptr, &hints, &found) != 0) {
    return name;
  }
  const std::string canonical = found->ai_canonname == nullptr ? name : found->ai_canonname;
  ::freeaddrinfo(found);
  return canonical;
}

std::int64_t usable_memory_bytes() {
  std::int64_t bytes = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  std::ifstream limit(kCgroupLimit);
  if (std::int64_t most = 0; limit >> most && most > 0) {  // "max" is no number: no limit
    bytes = std::min(bytes, most);
  }
  return bytes;
}

std::expected<NodeSettings, std::string> read_node_settings(const ConfigSources& sources) {
  auto layers = read_layers(sources);
  if (!layers) {
    return std::unexpected(layers.error());
  }
  auto config = broker::make_node_config(*layers);
  if (!config) {
    return std::unexpected(config.error().text);
  }
  if (config->request_memory_bytes <= 0) {
    config->request_memory_bytes = default_request_memory(usable_memory_bytes());
  }
  // As Kafka tells them: nothing that a client names depends on where this process was started.
  const auto make_absolute = [](std::string& path) { path = std::filesystem::absolute(path).string(); };
  std::ranges::for_each(config->log_dirs, make_absolute);
  make_absolute(config->metadata_log_dir);
  const bool named = layers->find("log.dirs") != nullptr || layers->find("log.dir") != nullptr;
  return NodeSettings{.config = *std::move(config), .directory_was_named = named};
}

}  // namespace moldau::apps
