#include "http/metrics_text.h"

#include <fmt/format.h>

namespace moldau::http {

void MetricsText::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                 type == Type::kCounter ? "counter"
                 : type == Type::kGauge ? "gauge"
                                        : "summary");
}

void MetricsText::begin_sample(Labels labels, std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [label, value] : labels) {
    text_ += std::exchange(separator, ',');
    text_ += label;
    text_ += "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_ += '\\';
      }
      if (c == '\n') {
        text_ += "\\n";
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }
  text_ += separator == ',' ? "} " : " ";
}

void MetricsText::sample(Labels labels, std::uint64_t value) {
  begin_sample(labels);
  fmt::format_to(std::back_inserter(text_), "{}\n", value);
}
void MetricsText::sample(Labels labels, std::int64_t value) {
  begin_sample(labels);
  fmt::format_to(std::back_inserter(text_), "{}\n", value);
}
void MetricsText::sample(Labels labels, double value) {
  begin_sample(labels);
  fmt::format_to(std::back_inserter(text_), "{}\n", value);
}

void MetricsText::sum_and_count(Labels labels, double sum, std::uint64_t count) {
  begin_sample(labels, "_sum");
  fmt::format_to(std::back_inserter(text_), "{}\n", sum);
  begin_sample(labels, "_count");
  fmt::format_to(std::back_inserter(text_), "{}\n", count);
}

}  // namespace moldau::http
