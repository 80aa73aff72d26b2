// What appending to and subtracting from a list key makes of its value: elements between commas, blanks are part of
// them, empty ones do not count. Source: Kafka's ConfigurationControlManager.
#pragma once

#include <string>
#include <string_view>

namespace moldau::metadata {

// `list` and behind it what of `added` it does not have yet.
[[nodiscard]] std::string append_to_list(std::string_view list, std::string_view added);
// `list` without what `removed` names, once for each time it is named.
[[nodiscard]] std::string subtract_from_list(std::string_view list, std::string_view removed);

}  // namespace moldau::metadata
