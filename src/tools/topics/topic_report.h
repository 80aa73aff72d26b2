// What the topic commands print, from the answers of a broker. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "protocol/messages/create_partitions_response.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_topics_response.h"
#include "protocol/messages/describe_configs_response.h"
#include "protocol/messages/metadata_response.h"
#include "tools/output/command_result.h"

namespace moldau::tools {

// "what: NAME_OF_CODE: message" with a hint where one helps.
[[nodiscard]] std::string refusal_line(std::string_view what, std::int16_t error_code,
                                       const std::optional<std::string_view>& message);
// The connection failed in the middle of a command.
[[nodiscard]] CommandResult failed_call(std::string_view what, const Error& error);

[[nodiscard]] CommandResult report_created(const protocol::CreateTopicsResponse& answer, bool if_not_exists, bool json);
[[nodiscard]] CommandResult report_altered(const protocol::CreatePartitionsResponse& answer, std::int32_t partitions,
                                           bool json);
[[nodiscard]] CommandResult report_deleted(const protocol::DeleteTopicsResponse& answer, bool if_exists, bool json);
[[nodiscard]] CommandResult report_list(const protocol::MetadataResponse& answer, bool internal, bool json);

// Configuration set on a topic itself, by topic.
using TopicOverrides = std::map<std::string, std::vector<std::pair<std::string, std::string>>, std::less<>>;
[[nodiscard]] TopicOverrides overrides_of(const protocol::DescribeConfigsResponse& answer);
// `asked`: the names given; internal topics are left out unless they were named.
[[nodiscard]] CommandResult report_described(const protocol::MetadataResponse& answer, const TopicOverrides& overrides,
                                             const std::vector<std::string>& asked, bool json);

}  // namespace moldau::tools
