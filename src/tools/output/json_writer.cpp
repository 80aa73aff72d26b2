#include "tools/output/json_writer.h"

#include <cmath>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>

namespace moldau::tools {
namespace {

constexpr std::string_view kShort = "\b\t\n\f\r";  // control characters with an escape of their own
constexpr std::string_view kShortLetters = "btnfr";

// The length of the UTF-8 sequence at the front, 0 if there is none (overlong forms and surrogates are none).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2) || (first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F)) {
      return 0;
    }
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3) || (first == 0xF0 && at(1) < 0x90) ||
        (first == 0xF4 && at(1) > 0x8F)) {
      return 0;
    }
    return 4;
  }
  return 0;
}

// As Java writes a double: always with a fraction, with an exponent outside of [0.001, 10000000).
std::string as_java(double number) {
  const double size = std::fabs(number);
  if (size == 0 || (size >= 1e-3 && size < 1e7)) {
    const std::string plain = fmt::format("{}", number);
    return plain.find('.') == std::string::npos ? plain + ".0" : plain;
  }
  std::string text = fmt::format("{:e}", number);
  for (int digits = 1; digits < 17; ++digits) {  // the fewest that read back as the same number
    text = fmt::format("{:.{}e}", number, digits);
    if (std::strtod(text.c_str(), nullptr) == number) {
      break;
    }
  }
  const std::size_t exponent = text.find('e');
  return text.substr(0, exponent) + "E" + std::to_string(std::stoi(text.substr(exponent + 1)));
}

}  // namespace

std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const char c = text.front();
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (const auto found = kShort.find(c); length == 1 && found != std::string_view::npos) {
      out += '\\';
      out += kShortLetters[found];
    } else if (length == 1 && static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

void JsonWriter::begin_value() {
  if (needs_comma_) {
    text_ += ',';
  }
  needs_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  begin_value();
  text_ += '{';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  text_ += '}';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  begin_value();
  text_ += '[';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  text_ += ']';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  begin_value();
  text_ += '"';
  text_ += json_escaped(name);
  text_ += "\":";
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  begin_value();
  text_ += '"';
  text_ += json_escaped(text);
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::value(bool yes) {
  begin_value();
  text_ += yes ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::value(std::int64_t number) {
  begin_value();
  text_ += std::to_string(number);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  begin_value();
  text_ += std::isfinite(number) ? as_java(number) : "null";  // JSON has no other numbers
  return *this;
}

JsonWriter& JsonWriter::null() {
  begin_value();
  text_ += "null";
  return *this;
}

}  // namespace moldau::tools
