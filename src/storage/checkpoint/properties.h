// Java properties files: meta.properties, server.properties, format's files.
//
// Read:   comments (# or !), key and value separated by =, : or white space, continued lines, the escapes \t \n \r \f
//         and \uXXXX; bytes are ISO-8859-1, as Java's Properties.load(InputStream) takes them. Texts come out as UTF-8.
// Errors: kCorrupt "malformed \u escape" with the line as detail(). Nothing else is malformed in this format.
// Bound:  O(size). An entry keeps the line on which it began, so that a wrong value can be reported by line.
// Source: java.util.Properties. Difference: a lone surrogate becomes U+FFFD, which UTF-8 can carry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace moldau::storage {

struct Property {
  std::string key;
  std::string value;
  std::int64_t line = 0;  // 1-based
  friend bool operator==(const Property&, const Property&) = default;
};

// In the order of the file; a key may occur twice (the last one counts).
[[nodiscard]] Result<std::vector<Property>> parse_properties(Bytes content);

// The last value of the key, or null.
[[nodiscard]] const Property* find_property(const std::vector<Property>& properties, std::string_view key) noexcept;

// One "key=value" line with what must be escaped escaped; texts are UTF-8.
[[nodiscard]] std::string format_property(std::string_view key, std::string_view value);

}  // namespace moldau::storage
