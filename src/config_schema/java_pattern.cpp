#include "config_schema/java_pattern.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "config_schema/ascii.h"

namespace moldau::config {
namespace {

constexpr int kDepthMax = 100;

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : rest_(text) {}

  bool read() { return alternatives(0) && rest_.empty(); }

 private:
  [[nodiscard]] char next() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) {
      return false;
    }
    rest_.remove_prefix(text.size());
    return true;
  }

  // Up to a ')' of the group around it, or to the end.
  bool alternatives(int depth) {
    if (depth > kDepthMax) {
      return false;
    }
    while (!rest_.empty() && next() != ')') {
      if (take('|')) {
        continue;
      }
      if (!atom(depth) || !quantifiers()) {
        return false;
      }
    }
    return true;
  }

  bool atom(int depth) {
    if (take('(')) {
      return group_head() && alternatives(depth + 1) && take(')');
    }
    if (take('[')) {
      return char_class(depth);
    }
    if (take('\\')) {
      return escape(false);
    }
    if (next() == '*' || next() == '+' || next() == '?' || next() == '{') {
      return false;
    }
    rest_.remove_prefix(1);  // a ']' or '}' here is a letter like others
    return true;
  }

  bool group_head() {
    if (!take('?')) {
      return true;
    }
    for (const std::string_view head : {":", "=", "!", ">", "<=", "<!"}) {
      if (take(head)) {
        return true;
      }
    }
    if (take('<')) {
      const std::string_view before = rest_;
      if (!name()) {
        return false;
      }
      names_.push_back(before.substr(0, before.size() - rest_.size()));
      return take('>');
    }
    constexpr std::string_view kFlags = "idmsuxU-";
    while (kFlags.contains(next()) && !rest_.empty()) {
      rest_.remove_prefix(1);
    }
    return take(':') || next() == ')';
  }

  bool name() {
    if (!is_letter(next())) {
      return false;
    }
    while (is_letter(next()) || is_digit(next())) {
      rest_.remove_prefix(1);
    }
    return true;
  }

  // Of a group that was opened before.
  bool known_name() {
    const std::string_view before = rest_;
    return name() && std::ranges::find(names_, before.substr(0, before.size() - rest_.size())) != names_.end();
  }

  bool quantifiers() {
    if (take('{')) {
      if (!counts()) {
        return false;
      }
      while (take('{')) {  // counted again
        if (!counts()) {
          return false;
        }
      }
    } else if (!take('*') && !take('+') && !take('?')) {
      return true;
    }
    if (!take('?')) {
      (void)take('+');
    }
    return next() != '*' && next() != '+' && next() != '?';
  }

  // Behind a '{'.
  bool counts() {
    const auto low = number();
    if (low < 0) {
      return false;
    }
    if (take('}')) {
      return true;
    }
    if (!take(',')) {
      return false;
    }
    if (take('}')) {
      return true;
    }
    const auto high = number();
    return high >= low && take('}');
  }

  // -1: none, or too large.
  long number() {
    constexpr long kMax = 2'147'483'647;
    if (!is_digit(next())) {
      return -1;
    }
    long value = 0;
    while (is_digit(next())) {
      value = value * 10 + (next() - '0');
      if (value > kMax) {
        return -1;
      }
      rest_.remove_prefix(1);
    }
    return value;
  }

  // Behind a '['.
  bool char_class(int depth) {
    if (depth > kDepthMax) {
      return false;
    }
    (void)take('^');
    bool is_first = true;
    while (!rest_.empty()) {
      if (next() == ']' && !is_first) {
        rest_.remove_prefix(1);
        return true;
      }
      is_first = false;
      if (take("&&")) {
        continue;
      }
      if (take('[')) {
        if (!char_class(depth + 1)) {
          return false;
        }
        continue;
      }
      if (!range()) {
        return false;
      }
    }
    return false;
  }

  bool range() {
    char low = next();
    rest_.remove_prefix(1);
    bool is_plain = low != '\\';
    if (!is_plain && !escape(true)) {
      return false;
    }
    if (rest_.size() < 2 || next() != '-' || rest_[1] == ']' || rest_[1] == '[') {
      return true;
    }
    rest_.remove_prefix(1);
    const char high = next();
    rest_.remove_prefix(1);
    if (high == '\\') {
      constexpr std::string_view kClasses = "dDhHsSvVwWpP";
      return !rest_.empty() && !kClasses.contains(next()) && escape(true);
    }
    return !is_plain || static_cast<unsigned char>(low) <= static_cast<unsigned char>(high);
  }

  // Behind a '\\'.
  bool escape(bool in_class) {
    if (rest_.empty()) {
      return false;
    }
    const char kind = next();
    rest_.remove_prefix(1);
    switch (kind) {
      case '0': return octal();
      case 'x': return take('{') ? hex_until_brace() : hex(2);
      case 'u': return hex(4);
      case 'c': return rest_.empty() ? false : (rest_.remove_prefix(1), true);
      case 'N': return take('{') && until_brace();
      case 'p':
      case 'P': return take('{') ? until_brace() : (is_letter(next()) && (rest_.remove_prefix(1), true));
      case 'k': return !in_class && take('<') && known_name() && take('>');
      case 'Q': return quoted();
      case 'b':
        if (!in_class) {
          (void)take("{g}");
        }
        return !in_class;
      case 'A':
      case 'B':
      case 'G':
      case 'R':
      case 'X':
      case 'z':
      case 'Z': return !in_class;
      default: break;
    }
    constexpr std::string_view kLetters = "tnrfaedDhHsSvVwW";
    return !is_letter(kind) || kLetters.contains(kind);
  }

  bool octal() {
    if (next() < '0' || next() > '7') {
      return false;
    }
    for (int i = 0; i < 3 && next() >= '0' && next() <= '7'; ++i) {
      rest_.remove_prefix(1);
    }
    return true;
  }
  bool hex(std::size_t digits) {
    for (; digits > 0; --digits) {
      if (!is_hex(next())) {
        return false;
      }
      rest_.remove_prefix(1);
    }
    return true;
  }
  bool hex_until_brace() {
    bool any = false;
    while (is_hex(next())) {
      rest_.remove_prefix(1);
      any = true;
    }
    return any && take('}');
  }
  bool until_brace() {
    const std::size_t end = rest_.find('}');
    if (end == std::string_view::npos || end == 0) {
      return false;
    }
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool quoted() {
    const std::size_t end = rest_.find("\\E");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
    return true;
  }

  std::string_view rest_;
  std::vector<std::string_view> names_;
};

}  // namespace

bool is_java_pattern(std::string_view text) {
  return PatternReader(text).read();
}

}  // namespace moldau::config
