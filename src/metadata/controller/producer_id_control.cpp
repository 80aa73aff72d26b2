#include "metadata/controller/producer_id_control.h"

#include <algorithm>
#include <limits>

namespace moldau::metadata {

Decision<ProducerIdBlock> ProducerIdControl::next_block(NodeId broker, BrokerEpoch epoch) const {
  if (ApiError error = cluster_.check_epoch(broker, epoch); error.failed()) {
    return std::unexpected(std::move(error));
  }
  const std::int64_t first = std::max<std::int64_t>(state_.image->next_producer_id(), 0);
  if (first > std::numeric_limits<std::int64_t>::max() - kProducerIdBlockSize) {
    return refuse(ErrorCode::kUnknownServerError, "every producer id was given out");
  }
  ControllerResult<ProducerIdBlock> result;
  result.response.first = ProducerId(first);
  records::ProducerIdsRecord record;
  record.broker_id = broker.value();
  record.broker_epoch = epoch.value();
  record.next_producer_id = first + kProducerIdBlockSize;
  result.records.push_back({std::move(record), 0});
  return result;
}

}  // namespace moldau::metadata
