// Would Java take this text as a regular expression? A reader of its grammar that builds nothing.
// Source: java.util.regex.Pattern. Difference: the names of Unicode properties in \p{...} are not judged.
#pragma once

#include <string_view>

namespace moldau::config {

// O(length of the text) but for the names of groups, of which each use is searched for. A group within more than 100
// others counts as wrong.
[[nodiscard]] bool is_java_pattern(std::string_view text);

}  // namespace moldau::config
