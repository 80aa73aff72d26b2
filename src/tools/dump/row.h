// One line of a dump as pairs of name and value: "offset: 7 position: 4096", or {"kind":"entry","offset":7,…}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/output/json_writer.h"

namespace moldau::tools {

class Row {
 public:
  // `prefix` opens the line of text, if it holds anything; `kind` is for JSON only.
  explicit Row(std::string_view kind, std::string_view prefix = "");

  Row& add(std::string_view name, std::int64_t value);
  Row& add_bool(std::string_view name, bool value);
  Row& add_text(std::string_view name, std::string_view value);
  // In text "OptionalLong.empty" or "OptionalLong[7]", Java's words.
  Row& add_optional(std::string_view name, std::optional<std::int64_t> value);
  // The value in its two forms; `between` stands after the name in text.
  Row& add_raw(std::string_view name, std::string_view text, std::string_view json, std::string_view between = ": ");

  [[nodiscard]] std::string text() const { return text_ + "\n"; }
  // `file` comes first in the object.
  [[nodiscard]] std::string json(std::string_view file) const;

 private:
  void begin(std::string_view name, std::string_view between);

  std::string kind_;
  std::string prefix_;
  std::string text_;
  std::string members_;  // of the JSON object, each begun by a comma
  bool first_ = true;
};

}  // namespace moldau::tools
