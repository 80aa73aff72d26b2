// Reads single keys of the layers for the parts that understand them, and keeps the first fault. Lives for one reading
// of the configuration; it refers to the layers.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/config/config_layers.h"

namespace moldau::broker {

class ConfigReader {
 public:
  // Timers and clocks reckon in nanoseconds, of which 64 bits hold 292 years.
  static constexpr std::chrono::milliseconds kForever = std::chrono::hours(24) * 365 * 100;

  explicit ConfigReader(const ConfigLayers& layers) : layers_(layers) {}

  [[nodiscard]] const ConfigLayers& layers() const noexcept { return layers_; }
  [[nodiscard]] bool is_set(std::string_view key) const { return layers_.find(key) != nullptr; }
  // Without blanks around it.
  [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise) const;
  // The number that is set, else Kafka's default; nullopt if neither is one.
  [[nodiscard]] std::optional<std::int64_t> number_or_default(std::string_view key) const;

  // These leave `into` alone if the key is not set.
  template <class T>
  void number(std::string_view key, T& into) const {
    if (const auto value = number_set(key)) {
      into = static_cast<T>(*value);
    }
  }
  // At most kForever.
  void milliseconds(std::string_view key, std::chrono::milliseconds& into) const;
  void boolean(std::string_view key, bool& into) const;
  void real(std::string_view key, double& into) const;

  // The start is refused; the line begins with where the key was set. The first fault counts.
  void fail(std::string_view key, std::string_view why);
  [[nodiscard]] const std::optional<ConfigFault>& fault() const noexcept { return fault_; }

 private:
  [[nodiscard]] std::optional<std::int64_t> number_set(std::string_view key) const;

  const ConfigLayers& layers_;
  std::optional<ConfigFault> fault_;
};

}  // namespace moldau::broker
