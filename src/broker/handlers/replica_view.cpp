#include "broker/handlers/replica_view.h"

namespace moldau::broker {

bool has_endpoint(const metadata::Image& image, NodeId broker, std::string_view listener) {
  const metadata::BrokerRegistration* registration = image.broker(broker);
  return registration != nullptr && registration->endpoint(listener) != nullptr;
}

std::vector<std::int32_t> offline_replicas(const metadata::Image& image,
                                           const metadata::PartitionRegistration& partition,
                                           std::string_view listener) {
  std::vector<std::int32_t> ids;
  for (const NodeId id : partition.replicas) {
    const metadata::BrokerRegistration* broker = image.broker(id);
    if (broker == nullptr || broker->fenced() || broker->endpoint(listener) == nullptr ||
        !broker->has_online_directory(partition.directory(id).value_or(kUnassignedDirectory))) {
      ids.push_back(id.value());
    }
  }
  return ids;
}

}  // namespace moldau::broker
