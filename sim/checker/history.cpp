#include "sim/checker/history.h"

#include <utility>

namespace moldau::sim {

History::History(std::uint32_t partitions) : report_([this](std::string line) { fault(std::move(line)); }) {
  for (std::uint32_t i = 0; i < partitions; ++i) {
    partitions_.push_back(std::make_unique<PartitionHistory>(i, report_));
  }
}

void History::fault(std::string line) {
  if (faults_.size() < kFaultsMax) {
    faults_.push_back(std::move(line));
  }
}

void History::on_producer_id(ProducerId id) {
  if (!producer_ids_.insert(id).second) {
    fault("M9: producer id " + std::to_string(id.value()) + " was handed out twice");
  }
}

}  // namespace moldau::sim
