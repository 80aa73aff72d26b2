// Writes one JSON text from front to back; the caller calls in the order of the text. Commas are put where they belong.
//
// Shapes: UTF-8; control characters, quotes and backslashes are escaped, and bytes that are no UTF-8 become U+FFFD, so
//         that what comes out is JSON whatever a peer or a file put in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace moldau::tools {

// `text` as it stands between the quotes of a JSON string.
[[nodiscard]] std::string json_escaped(std::string_view text);

class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  // Inside an object, before each value.
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool yes);
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::int32_t number) { return value(std::int64_t{number}); }
  JsonWriter& value(std::int16_t number) { return value(std::int64_t{number}); }
  JsonWriter& value(std::int8_t number) { return value(std::int64_t{number}); }
  JsonWriter& value(std::uint16_t number) { return value(std::int64_t{number}); }
  JsonWriter& value(double number);
  JsonWriter& null();
  template <class T>
  JsonWriter& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  template <class T>
  JsonWriter& member(std::string_view name, const T& its_value) {
    return key(name).value(its_value);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin_value();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace moldau::tools
