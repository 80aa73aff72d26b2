// What a whole run saw: one history a partition, the faults found, and what the clients agree on by convention.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "sim/checker/partition_history.h"

namespace moldau::sim {

class History {
 public:
  static constexpr std::size_t kFaultsMax = 20;  // more say nothing new

  explicit History(std::uint32_t partitions);
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  [[nodiscard]] PartitionHistory& partition(std::uint32_t index) { return *partitions_.at(index); }
  [[nodiscard]] std::uint32_t partitions() const noexcept { return static_cast<std::uint32_t>(partitions_.size()); }

  void fault(std::string line);
  // M9: an id was handed out twice.
  void on_producer_id(ProducerId id);
  [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }

 private:
  std::vector<std::string> faults_;
  PartitionHistory::Report report_;
  std::vector<std::unique_ptr<PartitionHistory>> partitions_;
  std::set<ProducerId> producer_ids_;
};

}  // namespace moldau::sim
