#include "tools/dump/row.h"

namespace moldau::tools {

Row::Row(std::string_view kind, std::string_view prefix) : kind_(kind), prefix_(prefix) {}

void Row::begin(std::string_view name, std::string_view between) {
  text_ += first_ ? std::string_view(prefix_) : " ";
  first_ = false;
  text_ += name;
  text_ += between;
  members_ += ",\"";
  members_ += json_escaped(name);
  members_ += "\":";
}

Row& Row::add(std::string_view name, std::int64_t value) {
  const std::string digits = std::to_string(value);
  return add_raw(name, digits, digits);
}

Row& Row::add_bool(std::string_view name, bool value) {
  const std::string_view word = value ? "true" : "false";
  return add_raw(name, word, word);
}

Row& Row::add_text(std::string_view name, std::string_view value) {
  return add_raw(name, value, '"' + json_escaped(value) + '"');
}

Row& Row::add_optional(std::string_view name, std::optional<std::int64_t> value) {
  return value ? add_raw(name, "OptionalLong[" + std::to_string(*value) + "]", std::to_string(*value))
               : add_raw(name, "OptionalLong.empty", "null");
}

Row& Row::add_raw(std::string_view name, std::string_view text, std::string_view json, std::string_view between) {
  begin(name, between);
  text_ += text;
  members_ += json;
  return *this;
}

std::string Row::json(std::string_view file) const {
  return "{\"file\":\"" + json_escaped(file) + "\",\"kind\":\"" + kind_ + "\"" + members_ + "}\n";
}

}  // namespace moldau::tools
