// Builds the Prometheus text exposition format: families with help and type, samples with labels.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace moldau::http {

class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  enum class Type : std::uint8_t { kCounter, kGauge, kSummary };

  // Starts a family; its samples follow. Names and help are literals of ours.
  void family(std::string_view name, Type type, std::string_view help);
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, std::int64_t value);
  void sample(Labels labels, double value);
  // Of a summary, behind its quantiles.
  void sum_and_count(Labels labels, double sum, std::uint64_t count);

  // One family with one sample.
  template <class Value>
  void single(std::string_view name, Type type, std::string_view help, Value value) {
    family(name, type, help);
    sample({}, value);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void begin_sample(Labels labels, std::string_view suffix = {});

  std::string text_;
  std::string name_;
};

}  // namespace moldau::http
