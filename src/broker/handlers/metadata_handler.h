// Metadata v0-v13 and DescribeCluster v0-v2: who is there, which topics, who leads.
//
// Answers: endpoints of the listener that the client used. A named topic that does not exist is created in the
//          background if the client and the configuration allow it, and answered as unknown meanwhile.
// Source:  KafkaApis.handleTopicMetadataRequest, KRaftMetadataCache; inventory §6, 5 and 6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"
#include "metadata/image/image.h"

namespace moldau::protocol {
struct DescribeClusterResponse;
}

namespace moldau::broker {

// Creates topics that clients asked metadata for.
class TopicAutoCreator {
 public:
  virtual ~TopicAutoCreator() = default;
  // Starts the creation unless one for this name is under way. Any failure is only logged: the client asks again.
  virtual void create_soon(std::string_view topic, std::string_view client_id) = 0;
};

struct ClusterIdentity {
  std::string cluster_id;
  std::int16_t kraft_version = 0;  // set before the first client is served
  bool auto_create_topics = true;  // auto.create.topics.enable
};

class MetadataHandler final : public Handler {
 public:
  MetadataHandler(ShardContext& context, const ClusterIdentity& identity, TopicAutoCreator& creator)
      : context_(context), identity_(identity), creator_(creator) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  const ClusterIdentity& identity_;
  TopicAutoCreator& creator_;
};

class DescribeClusterHandler final : public Handler {
 public:
  DescribeClusterHandler(ShardContext& context, const ClusterIdentity& identity, ListenerKind kind)
      : context_(context), identity_(identity), kind_(kind) {}
  void handle(Request request) override;

 private:
  // Their addresses are views into the image.
  void add_brokers(protocol::DescribeClusterResponse& response, const metadata::Image& image, bool include_fenced,
                   const ConnectionInfo& connection) const;
  void add_controllers(protocol::DescribeClusterResponse& response, const metadata::Image& image,
                       const ConnectionInfo& connection) const;

  ShardContext& context_;
  const ClusterIdentity& identity_;
  ListenerKind kind_;
};

}  // namespace moldau::broker
