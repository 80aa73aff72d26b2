#include "config_schema/config_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <system_error>

#include "config_schema/ascii.h"

namespace moldau::config {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

template <class T>
std::optional<T> parse_number(std::string_view text) noexcept {
  text = trim(text);
  if (text.starts_with('+') && text.size() > 1 && is_digit(text[1])) {
    text.remove_prefix(1);
  }
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

// "5:1" or "", as in the lists of throttled replicas.
bool is_replica(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (text.empty()) {
    return true;
  }
  const auto digits = [](std::string_view part) { return !part.empty() && std::ranges::all_of(part, is_digit); };
  return colon != std::string_view::npos && digits(text.substr(0, colon)) && digits(text.substr(colon + 1));
}

bool is_host_and_port(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return false;
  }
  return parse_number<std::uint16_t>(text.substr(colon + 1)).has_value();
}

bool is_voter(std::string_view text) noexcept {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && text.find('@', at + 1) == std::string_view::npos &&
         parse_int(text.substr(0, at)).value_or(-1) >= 0 && is_host_and_port(text.substr(at + 1));
}

// ISO 8601 as Java's Duration reads it, without signs: P2DT3H4M5.6S.
bool is_duration(std::string_view text) noexcept {
  if (text.empty() || lower(text.front()) != 'p') {
    return false;
  }
  text.remove_prefix(1);
  std::string_view units = "dthms";  // what may still come, in order
  bool any = false;
  while (!text.empty()) {
    if (lower(text.front()) == 't') {
      const std::size_t at = units.find('t');
      if (at == std::string_view::npos || text.size() == 1) {
        return false;
      }
      units.remove_prefix(at + 1);
      text.remove_prefix(1);
      continue;
    }
    const std::size_t size = std::min(text.find_first_not_of("0123456789."), text.size() - 1);
    const char unit = lower(text[size]);
    const std::size_t at = units.find(unit);
    const std::string_view number = text.substr(0, size);
    const bool whole = number.find('.') == std::string_view::npos;
    const bool needs_t = unit != 'd' && units.find('t') != std::string_view::npos;
    if (size == 0 || unit == 't' || at == std::string_view::npos || needs_t || (!whole && unit != 's') ||
        !is_digit(number.front()) || std::ranges::count(number, '.') > 1) {
      return false;
    }
    units.remove_prefix(at + 1);
    text.remove_prefix(size + 1);
    any = true;
  }
  return any;
}

const char* refuse_list(const Check& check, std::string_view text) {
  const std::vector<std::string_view> values = parse_list(text);
  if (values.empty()) {
    return check.empty_allowed ? nullptr : "must not be empty";
  }
  for (const std::string_view value : values) {  // one that is named twice counts once
    if (value.empty()) {
      return "must not have empty elements";
    }
    if (!check.values.empty() && std::ranges::find(check.values, value) == check.values.end()) {
      return "has an element that is not one of the allowed values";
    }
  }
  return nullptr;
}

template <class Test>
const char* refuse_elements(std::string_view text, Test test, const char* otherwise) {
  return std::ranges::all_of(parse_list(text), test) ? nullptr : otherwise;
}

const char* refuse_number(const Check& check, double value) {
  if (check.kind == Check::Kind::kGzipLevel) {
    return value == -1 || (value >= 1 && value <= 9) ? nullptr : "must be 1 to 9, or -1";
  }
  if (check.kind != Check::Kind::kRange) {
    return nullptr;
  }
  if (value < check.low) {
    return "is below the minimum";
  }
  return value > check.high ? "is above the maximum" : nullptr;
}

const char* refuse_text(const Check& check, std::string_view text) {
  switch (check.kind) {
    case Check::Kind::kOneOf:
      return std::ranges::find(check.values, text) != check.values.end() ? nullptr : "is not one of the allowed values";
    case Check::Kind::kOneOfNoCase:
      return std::ranges::any_of(check.values, [&](std::string_view v) { return equal_ignoring_case(v, text); })
                 ? nullptr
                 : "is not one of the allowed values";
    case Check::Kind::kNonEmptyString: return text.empty() ? "must not be empty" : nullptr;
    case Check::Kind::kList: return refuse_list(check, text);
    case Check::Kind::kThrottledReplicas:
      return text == "*" ? nullptr : refuse_elements(text, is_replica, "must be * or a list of partition:broker");
    case Check::Kind::kQuorumVoters: return refuse_elements(text, is_voter, "must be a list of id@host:port");
    case Check::Kind::kBootstrapServers: return refuse_elements(text, is_host_and_port, "must be a list of host:port");
    case Check::Kind::kShareAutoOffsetReset:
      return text == "latest" || text == "earliest" ||
                     (text.starts_with("by_duration:") && is_duration(text.substr(12)))
                 ? nullptr
                 : "must be latest, earliest or by_duration:<ISO 8601 duration>";
    default: return nullptr;
  }
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<bool> parse_boolean(std::string_view text) noexcept {
  text = trim(text);
  if (equal_ignoring_case(text, "true")) {
    return true;
  }
  return equal_ignoring_case(text, "false") ? std::optional(false) : std::nullopt;
}

std::optional<std::int16_t> parse_short(std::string_view text) noexcept {
  return parse_number<std::int16_t>(text);
}
std::optional<std::int32_t> parse_int(std::string_view text) noexcept {
  return parse_number<std::int32_t>(text);
}
std::optional<std::int64_t> parse_long(std::string_view text) noexcept {
  return parse_number<std::int64_t>(text);
}

std::optional<double> parse_double(std::string_view text) noexcept {
  text = trim(text);
  if (text == "NaN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (!text.empty() && (lower(text.back()) == 'd' || lower(text.back()) == 'f') && !equal_ignoring_case(text, "inf")) {
    text.remove_suffix(1);  // Java's suffixes
  }
  if (text.find_first_not_of("+-.0123456789eE") != std::string_view::npos) {
    return std::nullopt;
  }
  return parse_number<double>(text);
}

std::vector<std::string_view> parse_list(std::string_view text) {
  text = trim(text);
  std::vector<std::string_view> out;
  while (!text.empty() || !out.empty()) {
    const std::size_t comma = text.find(',');
    out.push_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) {
      break;
    }
    text.remove_prefix(comma + 1);
  }
  return out;
}

const char* refuse_value(const ConfigKey& key, std::string_view text) {
  text = trim(text);
  switch (key.type) {
    case Type::kBoolean: return parse_boolean(text) ? nullptr : "must be true or false";
    case Type::kShort: {
      const auto value = parse_short(text);
      return value ? refuse_number(key.check, *value) : "must be a 16-bit integer";
    }
    case Type::kInt: {
      const auto value = parse_int(text);
      return value ? refuse_number(key.check, *value) : "must be a 32-bit integer";
    }
    case Type::kLong: {
      const auto value = parse_long(text);
      return value ? refuse_number(key.check, static_cast<double>(*value)) : "must be a 64-bit integer";
    }
    case Type::kDouble: {
      const auto value = parse_double(text);
      return value ? refuse_number(key.check, *value) : "must be a number";
    }
    case Type::kString:
    case Type::kList:
    case Type::kClass:
    case Type::kPassword: return refuse_text(key.check, text);
  }
  return nullptr;
}

namespace {

std::string shown_list(const ConfigKey& key, std::string_view text) {
  std::string shown;
  const std::vector<std::string_view> values = parse_list(text);
  for (auto at = values.begin(); at != values.end(); ++at) {
    if (key.check.kind == Check::Kind::kList && std::find(values.begin(), at, *at) != at) {
      continue;
    }
    shown += at == values.begin() ? "" : ",";
    shown += *at;
  }
  return shown;
}

template <class T>
std::string number_or(const std::optional<T>& value, std::string_view text) {
  return value ? std::to_string(*value) : std::string(text);
}

}  // namespace

std::string shown_double(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-Infinity" : "Infinity";
  }
  constexpr double kPlainFrom = 1e-3;
  constexpr double kPlainBelow = 1e7;
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= kPlainFrom && size < kPlainBelow);
  char buffer[64];
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto [end, error] = std::to_chars(std::begin(buffer), std::end(buffer), value, format);
  std::string text(std::begin(buffer), end);
  const std::size_t exponent_at = std::min(text.find('e'), text.size());
  std::string digits = text.substr(0, exponent_at);
  if (digits.find('.') == std::string::npos) {
    digits += ".0";
  }
  if (plain) {
    return digits;
  }
  const std::string exponent = text.substr(exponent_at + 1);
  return digits + "E" + std::to_string(parse_int(exponent).value_or(0));
}

std::string shown_value(const ConfigKey& key, std::string_view text) {
  switch (key.type) {
    case Type::kBoolean: {
      const auto value = parse_boolean(text);
      return value ? (*value ? "true" : "false") : std::string(text);
    }
    case Type::kShort: return number_or(parse_short(text), text);
    case Type::kInt: return number_or(parse_int(text), text);
    case Type::kLong: return number_or(parse_long(text), text);
    case Type::kDouble: {
      const auto value = parse_double(text);
      return value ? shown_double(*value) : std::string(text);
    }
    case Type::kList: return shown_list(key, text);
    case Type::kString:
    case Type::kClass:
    case Type::kPassword: break;
  }
  return std::string(trim(text));
}

}  // namespace moldau::config
