#include "raft/driver/flat_json.h"

#include <algorithm>
#include <charconv>

namespace moldau::raft {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  void skip_space() noexcept {
    const std::size_t at = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at);
  }
  [[nodiscard]] char peek() noexcept {
    skip_space();
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char c) noexcept {
    if (peek() != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool at_end() noexcept {
    skip_space();
    return rest_.empty();
  }

  // Escapes other than the plain ones do not occur in what Kafka writes here; they count as damage.
  bool string(std::string& out) {
    if (!take('"')) {
      return false;
    }
    out.clear();
    while (!rest_.empty() && rest_.front() != '"') {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (static_cast<unsigned char>(c) < 0x20) {
        return false;
      }
      if (c == '\\') {
        if (rest_.empty() || std::string_view("\"\\/").find(rest_.front()) == std::string_view::npos) {
          return false;
        }
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      out += c;
    }
    return take('"');
  }

  bool scalar(std::string& out) {
    skip_space();
    const std::size_t end = std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size());
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return !out.empty() &&
           (out == "true" || out == "false" || out == "null" || out[0] == '-' || (out[0] >= '0' && out[0] <= '9'));
  }

  bool skip_value(int depth) {
    if (depth > FlatJson::kDepthMax) {
      return false;
    }
    std::string ignored;
    if (take('[')) {
      if (take(']')) {
        return true;
      }
      do {
        if (!skip_value(depth + 1)) {
          return false;
        }
      } while (take(','));
      return take(']');
    }
    if (take('{')) {
      if (take('}')) {
        return true;
      }
      do {
        if (!string(ignored) || !take(':') || !skip_value(depth + 1)) {
          return false;
        }
      } while (take(','));
      return take('}');
    }
    return peek() == '"' ? string(ignored) : scalar(ignored);
  }

 private:
  std::string_view rest_;
};

std::unexpected<Error> damaged() {
  return fail(ErrorKind::kCorrupt, "not a JSON object");
}

}  // namespace

Result<FlatJson> FlatJson::parse(std::string_view text) {
  Scanner scan(text);
  FlatJson object;
  if (!scan.take('{')) {
    return damaged();
  }
  if (!scan.take('}')) {
    do {
      Member member;
      if (!scan.string(member.name) || object.has(member.name) || !scan.take(':')) {
        return damaged();
      }
      bool ok = false;
      if (scan.peek() == '"') {
        member.type = Type::kString;
        ok = scan.string(member.value);
      } else if (scan.peek() == '[' || scan.peek() == '{') {
        member.type = Type::kOther;
        ok = scan.skip_value(1);
      } else {
        ok = scan.scalar(member.value);
        member.type = ok && (member.value[0] == '-' || (member.value[0] >= '0' && member.value[0] <= '9'))
                          ? Type::kNumber
                          : Type::kOther;
      }
      if (!ok) {
        return damaged();
      }
      object.members_.push_back(std::move(member));
    } while (scan.take(','));
    if (!scan.take('}')) {
      return damaged();
    }
  }
  if (!scan.at_end()) {
    return damaged();
  }
  return object;
}

const FlatJson::Member* FlatJson::find(std::string_view name) const noexcept {
  const auto at = std::ranges::find(members_, name, &Member::name);
  return at == members_.end() ? nullptr : &*at;
}

Result<std::int64_t> FlatJson::integer(std::string_view name, std::int64_t min, std::int64_t max) const {
  const Member* member = find(name);
  if (member == nullptr || member->type != Type::kNumber) {
    return fail(ErrorKind::kCorrupt, "a number is missing");
  }
  std::int64_t value = 0;
  const char* end = member->value.data() + member->value.size();
  const auto [at, error] = std::from_chars(member->value.data(), end, value);
  if (error != std::errc() || at != end || value < min || value > max) {
    return fail(ErrorKind::kCorrupt, "a number is out of range");
  }
  return value;
}

Result<std::string> FlatJson::text(std::string_view name) const {
  const Member* member = find(name);
  if (member == nullptr || member->type != Type::kString) {
    return fail(ErrorKind::kCorrupt, "a string is missing");
  }
  return member->value;
}

}  // namespace moldau::raft
