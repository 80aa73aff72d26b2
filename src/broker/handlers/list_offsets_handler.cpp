#include "broker/handlers/list_offsets_handler.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/handlers/partition_inquiry.h"
#include "protocol/messages/list_offsets_request.h"
#include "protocol/messages/list_offsets_response.h"
#include "replication/partition/partition.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

namespace {

constexpr std::int32_t kConsumerReplicaId = -1;
constexpr std::int32_t kDebuggingReplicaId = -2;
constexpr std::int8_t kReadUncommitted = 0;
constexpr std::int8_t kReadCommitted = 1;
constexpr std::int16_t kFirstVersionWithEpochs = 4;

struct Question {
  TopicIdPartition id;
  replication::ListOffsetRequest request;
};
using Listed = std::expected<replication::ListedOffset, replication::Refusal>;
using Inquiry = PartitionInquiry<ListOffsetsRequest, ListOffsetsResponse, Question>;

// The version from which a negative timestamp has a meaning; INT16_MAX: it has none.
std::int16_t first_version_of(std::int64_t timestamp) {
  switch (timestamp) {
    case replication::timestamp::kLatest:
    case replication::timestamp::kEarliest: return 1;
    case replication::timestamp::kMax: return 7;
    case replication::timestamp::kEarliestLocal: return 8;
    case replication::timestamp::kLatestTiered: return 9;
    case replication::timestamp::kEarliestPendingUpload: return 11;
    default: return timestamp >= 0 ? 1 : INT16_MAX;
  }
}

// What all partitions of the request have in common.
replication::ListOffsetRequest base_of(const ListOffsetsRequest& request) {
  replication::ListOffsetRequest base;
  if (request.replica_id != kConsumerReplicaId) {
    base.isolation = replication::FetchIsolation::kLogEnd;
  } else if (request.isolation_level == kReadCommitted) {
    base.isolation = replication::FetchIsolation::kLastStable;
  }
  base.leader_only = request.replica_id != kDebuggingReplicaId;
  return base;
}

}  // namespace

void ListOffsetsHandler::handle(Request request) {
  auto decoded = request.decode<ListOffsetsRequest>();
  if (!decoded) {
    return request.close();
  }
  const std::int16_t version = request.version();
  auto inquiry = std::make_shared<Inquiry>(std::move(request), *std::move(decoded));
  const std::int8_t isolation = inquiry->decoded().isolation_level;
  if (isolation != kReadUncommitted && isolation != kReadCommitted) {
    return inquiry->refuse_all(ErrorCode::kUnknownServerError);
  }
  const replication::ListOffsetRequest base = base_of(inquiry->decoded());
  inquiry->ask_each(
      *context_.router.image(), Entries::kOncePerPartition,
      [&](const auto& partition, bool named_twice) {
        if (named_twice) {
          return ErrorCode::kInvalidRequest;
        }
        return version < first_version_of(partition.timestamp) ? ErrorCode::kUnsupportedVersion : ErrorCode::kNone;
      },
      [&](std::string_view, const auto& partition, const TopicIdPartition& id) -> std::expected<Question, ErrorCode> {
        Question question{.id = id, .request = base};
        question.request.timestamp = partition.timestamp;
        question.request.current_leader_epoch = LeaderEpoch(partition.current_leader_epoch);
        return question;
      });
  gather<Listed>(
      context_, peers_, inquiry->take_questions(),
      [](replication::Partition& partition, const Question& question) {
        return partition.list_offset(question.request);
      },
      [inquiry](const std::vector<std::optional<Listed>>& answers) {
        inquiry->answer(answers, [&](auto& partition, const replication::ListedOffset& found) {
          partition.timestamp = found.timestamp;
          partition.offset = found.offset.value();
          if (inquiry->version() >= kFirstVersionWithEpochs) {
            partition.leader_epoch = found.leader_epoch.value();
          }
        });
      });
}

}  // namespace moldau::broker
