#include "broker/handlers/delete_records_handler.h"

#include <algorithm>
#include <chrono>
#include <expected>
#include <string_view>
#include <utility>

#include "broker/handlers/partition_inquiry.h"
#include "protocol/messages/delete_records_request.h"
#include "protocol/messages/delete_records_response.h"
#include "replication/partition/partition.h"

namespace moldau::broker {

using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::ErrorCode;

namespace {

constexpr std::int64_t kNoLowWatermark = -1;

struct Question {
  TopicIdPartition id;
  Offset offset;
  runtime::MonoTime deadline;
};
using LowWatermark = std::expected<Offset, ErrorCode>;
using Inquiry = PartitionInquiry<DeleteRecordsRequest, DeleteRecordsResponse, Question>;

}  // namespace

void DeleteRecordsHandler::handle(Request request) {
  auto decoded = request.decode<DeleteRecordsRequest>();
  if (!decoded) {
    return request.close();
  }
  const runtime::MonoTime deadline =
      context_.shard.clock().now() + std::chrono::milliseconds(std::max(0, decoded->timeout_ms));
  auto inquiry = std::make_shared<Inquiry>(std::move(request), *std::move(decoded));
  inquiry->ask_each(*context_.router.image(), Entries::kOncePerPartition,
                    [&](std::string_view topic, const auto& partition,
                        const TopicIdPartition& id) -> std::expected<Question, ErrorCode> {
                      if (is_internal_topic(topic)) {
                        return std::unexpected(ErrorCode::kInvalidTopicException);
                      }
                      return Question{.id = id, .offset = Offset(partition.offset), .deadline = deadline};
                    });
  gather_later<LowWatermark>(
      context_, peers_, inquiry->take_questions(),
      [](replication::Partition& partition, const Question& question, auto reply) {
        partition.delete_records(question.offset, question.deadline,
                                 [reply = std::move(reply)](LowWatermark low) mutable { reply(std::move(low)); });
      },
      [inquiry](const std::vector<std::optional<LowWatermark>>& answers) {
        inquiry->answer(
            answers, [](auto& partition, Offset low) { partition.low_watermark = low.value(); },
            [](auto& refused) { refused.low_watermark = kNoLowWatermark; });
      });
}

}  // namespace moldau::broker
