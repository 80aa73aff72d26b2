// Sees when this node's registration lacks what the metadata knows by now: registered under an older metadata.version,
// it names no log directories, and the version rose.
//
// Shard:  the home shard. Tells the lifecycle, if there is one, with each image for which this holds.
// Source: org.apache.kafka.image.publisher.BrokerRegistrationTracker.
#pragma once

#include <memory>

#include "base/ids.h"
#include "broker/node/broker_lifecycle.h"
#include "metadata/image/image.h"
#include "metadata/image/metadata_version.h"
#include "metadata/loader/metadata_loader.h"

namespace moldau::broker {

class RegistrationWatch final : public metadata::MetadataPublisher {
 public:
  RegistrationWatch(NodeId self, const std::unique_ptr<BrokerLifecycle>& lifecycle)
      : self_(self), lifecycle_(lifecycle) {}

  void on_image(const metadata::ImageUpdate& update) override {
    const metadata::BrokerRegistration* own = update.after->broker(self_);
    const auto version = update.after->metadata_version();
    if (lifecycle_ && own != nullptr && own->directories().empty() && version &&
        metadata::has_directory_assignment(*version)) {
      lifecycle_->amend_registration();
    }
  }

 private:
  NodeId self_;
  const std::unique_ptr<BrokerLifecycle>& lifecycle_;
};

}  // namespace moldau::broker
