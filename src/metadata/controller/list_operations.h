// What appending to and subtracting from a list key makes of its value: elements between commas, blanks are part of
// them. Source: Kafka's ConfigurationControlManager.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moldau::metadata {

// The elements of `text` as Java's String.split finds them: empty ones at the end do not count, nothing is one empty
// element.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);
[[nodiscard]] std::string join_list(const std::vector<std::string_view>& elements);
// `list` without its empty elements, and behind it what of `added` it does not have yet.
[[nodiscard]] std::string append_to_list(std::string_view list, std::string_view added);
// `list` without its empty elements and without what `removed` names, once for each time it is named.
[[nodiscard]] std::string subtract_from_list(std::string_view list, std::string_view removed);

}  // namespace moldau::metadata
