// The rules of topic names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace moldau::metadata {

inline constexpr std::size_t kTopicNameBytesMax = 249;
inline constexpr std::string_view kClusterMetadataTopic = "__cluster_metadata";

// Empty if `name` is legal: up to 249 of [a-zA-Z0-9._-], not "." or "..". Else why not.
[[nodiscard]] std::string topic_name_fault(std::string_view name);

}  // namespace moldau::metadata
