// Reads one JSON object whose members of interest are numbers and strings; arrays and objects inside are checked for
// form and skipped. Enough for quorum-state, and not more.
//
// Errors:  kCorrupt: not one JSON object and nothing behind it, nested deeper than kDepthMax, or a member twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace moldau::raft {

class FlatJson {
 public:
  static constexpr int kDepthMax = 16;

  [[nodiscard]] static Result<FlatJson> parse(std::string_view text);

  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  // kCorrupt: missing, not of that type, or outside [min, max].
  [[nodiscard]] Result<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max) const;
  [[nodiscard]] Result<std::string> text(std::string_view name) const;

 private:
  enum class Type : std::uint8_t { kNumber, kString, kOther };
  struct Member {
    std::string name;
    Type type;
    std::string value;  // a string's content, a number's digits
  };
  [[nodiscard]] const Member* find(std::string_view name) const noexcept;
  std::vector<Member> members_;
};

}  // namespace moldau::raft
