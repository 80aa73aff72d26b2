#include "broker/config/config_providers.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <regex>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "storage/checkpoint/properties.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kProviders = "config.providers";
constexpr std::string_view kPackage = "org.apache.kafka.common.config.provider.";
constexpr std::uint64_t kFileBytesMax = 1 << 20;

using Found = std::expected<std::optional<std::string>, std::string>;  // nothing, or why it cannot be looked up

// ${provider:[path:]key}
struct Variable {
  std::string_view provider;
  std::string_view path;
  std::string_view key;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

// Which paths a provider may look at; all if nothing was said.
class AllowedPaths {
 public:
  static std::expected<AllowedPaths, std::string> read(const ConfigEntry* entry, runtime::FileSystem& fs) {
    AllowedPaths allowed;
    if (entry == nullptr || entry->value.empty()) {
      return allowed;
    }
    allowed.bounded_ = true;
    for (const std::string& text : split(entry->value)) {
      std::filesystem::path path = std::filesystem::path(text).lexically_normal();
      if (!path.is_absolute()) {
        return std::unexpected(text + " is not an absolute path");
      }
      if (const auto there = fs.exists(path.string()); !there || !*there) {
        return std::unexpected("there is no " + text);
      }
      allowed.roots_.push_back(std::move(path));
    }
    return allowed;
  }

  [[nodiscard]] bool allows(std::string_view text) const {
    const std::filesystem::path path = std::filesystem::path(text).lexically_normal();
    return !bounded_ || std::ranges::any_of(roots_, [&](const std::filesystem::path& root) {
      return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
    });
  }

 private:
  bool bounded_ = false;
  std::vector<std::filesystem::path> roots_;
};

class Provider {
 public:
  virtual ~Provider() = default;
  [[nodiscard]] virtual Found look_up(const Variable& variable) = 0;
};

class FileProvider final : public Provider {
 public:
  FileProvider(runtime::FileSystem& fs, AllowedPaths allowed) : fs_(fs), allowed_(std::move(allowed)) {}

  Found look_up(const Variable& variable) override {
    if (variable.path.empty() || !allowed_.allows(variable.path)) {
      return std::nullopt;
    }
    const std::string path(variable.path);
    const auto content = runtime::read_file(fs_, path, kFileBytesMax);
    if (!content) {
      return std::unexpected(path + ": " + content.error().message());
    }
    const auto properties = storage::parse_properties(*content);
    if (!properties) {
      return std::unexpected(path + ":" + std::to_string(properties.error().detail()) + ": " +
                             properties.error().context());
    }
    const storage::Property* found = storage::find_property(*properties, variable.key);
    return found == nullptr ? std::nullopt : std::optional(found->value);
  }

 private:
  runtime::FileSystem& fs_;
  AllowedPaths allowed_;
};

class DirectoryProvider final : public Provider {
 public:
  DirectoryProvider(runtime::FileSystem& fs, AllowedPaths allowed) : fs_(fs), allowed_(std::move(allowed)) {}

  Found look_up(const Variable& variable) override {
    const bool is_name = !variable.key.empty() && variable.key.find('/') == std::string_view::npos;
    if (variable.path.empty() || !is_name || !allowed_.allows(variable.path)) {
      return std::nullopt;
    }
    const std::string path = runtime::join_path(variable.path, variable.key);
    if (const auto there = fs_.exists(path); !there || !*there || fs_.list(path)) {
      return std::nullopt;  // not there, or a directory
    }
    const auto content = runtime::read_file(fs_, path, kFileBytesMax);
    if (!content) {
      return std::unexpected(path + ": " + content.error().message());
    }
    return std::string(as_text(*content));
  }

 private:
  runtime::FileSystem& fs_;
  AllowedPaths allowed_;
};

class EnvironmentProvider final : public Provider {
 public:
  explicit EnvironmentProvider(std::map<std::string, std::string, std::less<>> values) : values_(std::move(values)) {}

  Found look_up(const Variable& variable) override {
    if (!variable.path.empty()) {
      return std::unexpected("variables of the environment have no path: '" + std::string(variable.path) + "'");
    }
    const auto found = values_.find(variable.key);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

class Filler {
 public:
  Filler(ConfigLayers& layers, runtime::FileSystem& fs, const std::vector<std::string>& environment)
      : layers_(layers), fs_(fs), environment_(environment) {}

  std::optional<ConfigFault> run() {
    const ConfigEntry* listed = layers_.find(kProviders);
    if (listed == nullptr) {
      return std::nullopt;
    }
    for (const std::string& name : split(listed->value)) {
      const std::string prefix = std::string(kProviders) + "." + name + ".";
      const ConfigEntry* chosen = layers_.find(prefix + "class");
      if (chosen == nullptr) {
        continue;
      }
      auto provider = make(*chosen, prefix + "param.");
      if (!provider) {
        return ConfigFault{chosen->origin + ": " + prefix + "class: " + provider.error()};
      }
      providers_[name] = *std::move(provider);
    }
    return fill_all();
  }

 private:
  std::expected<std::unique_ptr<Provider>, std::string> make(const ConfigEntry& chosen, const std::string& parameters) {
    std::string_view name = chosen.value;
    if (name.starts_with(kPackage)) {
      name.remove_prefix(kPackage.size());
      if (name == "EnvVarConfigProvider") {
        return make_environment(layers_.find(parameters + "allowlist.pattern"));
      }
      if (name == "FileConfigProvider" || name == "DirectoryConfigProvider") {
        auto allowed = AllowedPaths::read(layers_.find(parameters + "allowed.paths"), fs_);
        if (!allowed) {
          return std::unexpected(parameters + "allowed.paths: " + allowed.error());
        }
        if (name == "FileConfigProvider") {
          return std::make_unique<FileProvider>(fs_, *std::move(allowed));
        }
        return std::make_unique<DirectoryProvider>(fs_, *std::move(allowed));
      }
    }
    return std::unexpected("there is no class " + chosen.value + ": Kafka's own are FileConfigProvider, " +
                           "DirectoryConfigProvider and EnvVarConfigProvider of " +
                           std::string(kPackage.substr(0, kPackage.size() - 1)));
  }

  std::expected<std::unique_ptr<Provider>, std::string> make_environment(const ConfigEntry* pattern) const {
    std::map<std::string, std::string, std::less<>> values;
    try {
      const std::regex allowed(pattern == nullptr ? ".*" : pattern->value);
      for (const std::string& entry : environment_) {
        const std::size_t equals = std::min(entry.find('='), entry.size());
        if (std::string name = entry.substr(0, equals); equals < entry.size() && std::regex_match(name, allowed)) {
          values.emplace(std::move(name), entry.substr(equals + 1));
        }
      }
    } catch (const std::regex_error&) {
      return std::unexpected("allowlist.pattern: '" + pattern->value + "' is no regular expression");
    }
    return std::make_unique<EnvironmentProvider>(std::move(values));
  }

  std::optional<ConfigFault> fill_all() {
    std::vector<std::pair<std::string, ConfigEntry>> changed;
    for (const auto& [key, entry] : layers_.entries()) {
      auto filled = fill(entry.value);
      if (!filled) {
        return ConfigFault{entry.origin + ": " + key + ": " + filled.error()};
      }
      if (*filled != entry.value) {
        changed.emplace_back(key, ConfigEntry{*std::move(filled), entry.origin});
      }
    }
    for (auto& [key, entry] : changed) {
      layers_.add(std::move(key), std::move(entry.value), std::move(entry.origin));
    }
    return std::nullopt;
  }

  std::expected<std::string, std::string> fill(std::string_view value) {
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = value.find("${"); at != std::string_view::npos; at = value.find("${", at)) {
      const std::size_t end = value.find('}', at);
      if (end == std::string_view::npos) {
        break;
      }
      const auto variable = variable_in(value.substr(at + 2, end - at - 2));
      if (!variable) {
        at += 2;  // without a colon it is none; another may begin within it
        continue;
      }
      if (const auto provider = providers_.find(variable->provider); provider != providers_.end()) {
        Found found = provider->second->look_up(*variable);
        if (!found) {
          return std::unexpected(std::move(found.error()));
        }
        out += value.substr(copied, at - copied);
        out += *found ? std::string_view(**found) : value.substr(at, end + 1 - at);
        copied = end + 1;
      }
      at = end + 1;
    }
    return out += value.substr(copied);
  }

  static std::optional<Variable> variable_in(std::string_view text) {
    const std::size_t first = text.find(':');
    if (first == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view rest = text.substr(first + 1);
    const std::size_t second = rest.find(':');
    if (second == std::string_view::npos) {
      return Variable{text.substr(0, first), "", rest};
    }
    return Variable{text.substr(0, first), rest.substr(0, second), rest.substr(second + 1)};
  }

  ConfigLayers& layers_;
  runtime::FileSystem& fs_;
  const std::vector<std::string>& environment_;
  std::map<std::string, std::unique_ptr<Provider>, std::less<>> providers_;
};

}  // namespace

std::optional<ConfigFault> fill_from_providers(ConfigLayers& layers, runtime::FileSystem& fs,
                                               const std::vector<std::string>& environment) {
  return Filler(layers, fs, environment).run();
}

}  // namespace moldau::broker
