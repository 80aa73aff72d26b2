#include "broker/handlers/offset_for_leader_epoch_handler.h"

#include <expected>
#include <string_view>
#include <utility>

#include "broker/handlers/partition_inquiry.h"
#include "protocol/messages/offset_for_leader_epoch_request.h"
#include "protocol/messages/offset_for_leader_epoch_response.h"
#include "replication/partition/partition.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;

namespace {

struct Question {
  TopicIdPartition id;
  LeaderEpoch epoch;
  LeaderEpoch current_leader_epoch;
};
using End = std::expected<replication::EpochEnd, replication::Refusal>;
using Inquiry = PartitionInquiry<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, Question>;

}  // namespace

void OffsetForLeaderEpochHandler::handle(Request request) {
  auto decoded = request.decode<OffsetForLeaderEpochRequest>();
  if (!decoded) {
    return request.close();
  }
  auto inquiry = std::make_shared<Inquiry>(std::move(request), *std::move(decoded));
  inquiry->ask_each(
      *context_.router.image(), Entries::kAsSent,
      [](std::string_view, const auto& partition, const TopicIdPartition& id) -> std::expected<Question, ErrorCode> {
        return Question{.id = id,
                        .epoch = LeaderEpoch(partition.leader_epoch),
                        .current_leader_epoch = LeaderEpoch(partition.current_leader_epoch)};
      });
  gather<End>(
      context_, peers_, inquiry->take_questions(),
      [](replication::Partition& partition, const Question& question) {
        return partition.end_offset_for_epoch(question.epoch, question.current_leader_epoch, true);
      },
      [inquiry](const std::vector<std::optional<End>>& answers) {
        inquiry->answer(answers, [](auto& partition, const replication::EpochEnd& end) {
          partition.leader_epoch = end.epoch.value();
          partition.end_offset = end.end.value();
        });
      });
}

}  // namespace moldau::broker
