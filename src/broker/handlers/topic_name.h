// Which names a topic may have. Pure.
// Source: org.apache.kafka.common.internals.Topic; inventory §6, 7.
#pragma once

#include <string_view>

namespace moldau::broker {

inline constexpr std::size_t kTopicNameBytesMax = 249;

// 1 to 249 of [a-zA-Z0-9._-], not "." and not "..".
[[nodiscard]] bool is_valid_topic_name(std::string_view name) noexcept;

}  // namespace moldau::broker
