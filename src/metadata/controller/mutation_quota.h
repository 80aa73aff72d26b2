// Asked before partitions are created or deleted: the quota of whoever wants it (controller_mutation_rate).
//
// Source: Kafka's ControllerMutationQuota and ControllerRequestContext.applyPartitionChangeQuota; KIP-599.
#pragma once

#include <cstddef>
#include <string>

namespace moldau::metadata {

// Who asks, and whether a used-up quota refuses (the newer versions of the requests) or only holds the client off.
struct MutationAsker {
  std::string client_id;
  bool strict = true;
};

class MutationQuota {
 public:
  virtual ~MutationQuota() = default;
  // False: THROTTLING_QUOTA_EXCEEDED for what these partitions are of.
  [[nodiscard]] virtual bool take(std::size_t partitions) = 0;
};

}  // namespace moldau::metadata
