#include "storage/checkpoint/properties.h"

#include <cstddef>

#include <fmt/format.h>

namespace moldau::storage {
namespace {

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\f';
}
constexpr bool is_line_end(char c) noexcept {
  return c == '\n' || c == '\r';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// Collects UTF-16 units, which is what \u escapes spell, into UTF-8.
class Utf16Sink {
 public:
  explicit Utf16Sink(std::string& out) : out_(out) {}
  void unit(std::uint32_t value) {
    const bool low = value >= 0xDC00 && value < 0xE000;
    if (high_ != 0) {
      if (low) {
        append_utf8(out_, 0x10000 + ((high_ - 0xD800) << 10) + (value - 0xDC00));
        high_ = 0;
        return;
      }
      append_utf8(out_, kReplacement);
      high_ = 0;
    }
    if (value >= 0xD800 && value < 0xDC00) {
      high_ = value;
    } else {
      append_utf8(out_, low ? kReplacement : value);
    }
  }
  void finish() {
    if (high_ != 0) {
      append_utf8(out_, kReplacement);
      high_ = 0;
    }
  }

 private:
  static constexpr std::uint32_t kReplacement = 0xFFFD;
  std::string& out_;
  std::uint32_t high_ = 0;
};

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Resolves the escapes of one key or value; false at a malformed \u.
bool unescape(std::string_view raw, std::string& out) {
  Utf16Sink sink(out);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      sink.unit(static_cast<unsigned char>(raw[i]));
      continue;
    }
    if (++i == raw.size()) {
      break;  // a backslash at the very end of the file means nothing
    }
    switch (raw[i]) {
      case 't': sink.unit('\t'); break;
      case 'n': sink.unit('\n'); break;
      case 'r': sink.unit('\r'); break;
      case 'f': sink.unit('\f'); break;
      case 'u': {
        if (raw.size() - i < 5) {
          return false;
        }
        std::uint32_t value = 0;
        for (std::size_t k = 1; k <= 4; ++k) {
          const int digit = hex_digit(raw[i + k]);
          if (digit < 0) {
            return false;
          }
          value = value * 16 + static_cast<std::uint32_t>(digit);
        }
        sink.unit(value);
        i += 4;
        break;
      }
      default: sink.unit(static_cast<unsigned char>(raw[i]));
    }
  }
  sink.finish();
  return true;
}

// Joins continued lines into logical ones and skips comments and empty lines.
class LogicalLines {
 public:
  explicit LogicalLines(std::string_view text) : rest_(text) {}

  // False at the end. `line` is the number of the first natural line.
  bool next(std::string& logical, std::int64_t& line) {
    while (!rest_.empty()) {
      std::string_view natural = take();
      line = number_;
      natural = without_leading_blanks(natural);
      if (natural.empty() || natural[0] == '#' || natural[0] == '!') {
        continue;
      }
      logical.clear();
      while (ends_with_odd_backslashes(natural)) {
        logical += natural.substr(0, natural.size() - 1);
        if (rest_.empty()) {
          return true;
        }
        natural = without_leading_blanks(take());
      }
      logical += natural;
      if (!logical.empty()) {
        return true;
      }
    }
    return false;
  }

 private:
  std::string_view take() {
    ++number_;
    std::size_t end = 0;
    while (end < rest_.size() && !is_line_end(rest_[end])) {
      ++end;
    }
    const std::string_view natural = rest_.substr(0, end);
    if (end < rest_.size()) {
      const bool crlf = rest_[end] == '\r' && end + 1 < rest_.size() && rest_[end + 1] == '\n';
      end += crlf ? 2 : 1;
    }
    rest_.remove_prefix(end);
    return natural;
  }
  static std::string_view without_leading_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text[0])) {
      text.remove_prefix(1);
    }
    return text;
  }
  static bool ends_with_odd_backslashes(std::string_view text) {
    std::size_t count = 0;
    while (count < text.size() && text[text.size() - 1 - count] == '\\') {
      ++count;
    }
    return count % 2 == 1;
  }

  std::string_view rest_;
  std::int64_t number_ = 0;
};

// The end of the key and the start of the value in a logical line.
void split_key(std::string_view line, std::string_view& key, std::string_view& value) {
  std::size_t end = 0;
  while (end < line.size() && line[end] != '=' && line[end] != ':' && !is_blank(line[end])) {
    end += line[end] == '\\' && end + 1 < line.size() ? 2 : 1;
  }
  key = line.substr(0, end);
  bool separated = false;
  while (end < line.size() && (is_blank(line[end]) || (!separated && (line[end] == '=' || line[end] == ':')))) {
    separated = separated || !is_blank(line[end]);
    ++end;
  }
  value = line.substr(end);
}

void escape(std::string& out, std::string_view text, bool is_key) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\f': out += "\\f"; break;
      case ' ': out += is_key || i == 0 ? "\\ " : " "; break;
      case '=':
      case ':':
      case '#':
      case '!':
        out += '\\';
        out += c;
        break;
      default: out += c;
    }
  }
}

// UTF-8 to ISO-8859-1 with \u escapes for the rest; bytes that are not UTF-8 become U+FFFD.
std::string to_latin1(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      out += text[i++];
      continue;
    }
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    std::uint32_t code = lead & (0xFFU >> (size + 1));
    bool valid = lead >= 0xC2 && lead <= 0xF4 && i + size <= text.size();
    for (std::size_t k = 1; valid && k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      valid = (next & 0xC0) == 0x80;
      code = code << 6 | (next & 0x3FU);
    }
    valid = valid && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) && (size != 3 || code >= 0x800) &&
            (size != 4 || code >= 0x10000);
    if (!valid) {
      out += "\\uFFFD";
      ++i;
      continue;
    }
    if (code >= 0x10000) {
      fmt::format_to(std::back_inserter(out), "\\u{:04X}\\u{:04X}", 0xD800 + ((code - 0x10000) >> 10),
                     0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04X}", code);
    }
    i += size;
  }
  return out;
}

}  // namespace

Result<std::vector<Property>> parse_properties(Bytes content) {
  std::vector<Property> properties;
  LogicalLines lines(as_text(content));
  std::string logical;
  std::int64_t line = 0;
  while (lines.next(logical, line)) {
    std::string_view key;
    std::string_view value;
    split_key(logical, key, value);
    Property property;
    property.line = line;
    if (!unescape(key, property.key) || !unescape(value, property.value)) {
      return fail(ErrorKind::kCorrupt, "properties file: malformed \\u escape", 0, line);
    }
    properties.push_back(std::move(property));
  }
  return properties;
}

const Property* find_property(const std::vector<Property>& properties, std::string_view key) noexcept {
  for (auto it = properties.rbegin(); it != properties.rend(); ++it) {
    if (it->key == key) {
      return &*it;
    }
  }
  return nullptr;
}

std::string format_property(std::string_view key, std::string_view value) {
  std::string escaped;
  escape(escaped, key, true);
  escaped += '=';
  escape(escaped, value, false);
  return to_latin1(escaped);
}

}  // namespace moldau::storage
