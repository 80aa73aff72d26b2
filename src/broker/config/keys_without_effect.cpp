#include "broker/config/keys_without_effect.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kNoGroups = "there are no consumer, share or streams groups in this release";
constexpr std::string_view kNoTransactions = "there are no transactions in this release";
constexpr std::string_view kNoSecurity = "there is no TLS and no SASL in this release";
constexpr std::string_view kNoTiers = "there is no tiered storage";
constexpr std::string_view kNoOtherBroker = "there is no other broker to replicate with";
constexpr std::string_view kQuorumOfOne = "the quorum is this node alone";
constexpr std::string_view kOneProcess = "broker and controller are one process";
constexpr std::string_view kOneThreadACore = "one thread a core does all of it: moldau.shards says how many";
constexpr std::string_view kNothingToSweep = "a wait that is over leaves nothing behind";
constexpr std::string_view kMetricsAreRead = "metrics are read at /metrics and not reported";
constexpr std::string_view kKafkasTests = "it serves Kafka's own tests";

// A '*' at the end stands for any rest; the first that fits counts.
struct Reason {
  std::string_view key;
  std::string_view why;
};

constexpr Reason kBrokerKeys[] = {
    {"add.partitions.to.txn.*", kNoTransactions},
    {"alter.log.dirs.replication.quota.*", "replicas do not move between log directories"},
    {"auto.leader.rebalance.enable", "one node leads all that it has: there is nothing to balance"},
    {"background.threads", kOneThreadACore},
    {"connection.failed.authentication.delay.ms", kNoSecurity},
    {"connections.max.reauth.ms", kNoSecurity},
    {"controlled.shutdown.enable", "a clean stop always leaves the cluster first"},
    {"controller.performance.*", "times of the controller's events are not sampled"},
    {"controller.quorum.*", kQuorumOfOne},
    {"controller.socket.timeout.ms", kOneProcess},
    {"delegation.token.*", kNoSecurity},
    {"delete.records.purgatory.*", kNothingToSweep},
    {"early.start.listeners", "all listeners open together, once the node is ready"},
    {"fetch.purgatory.*", kNothingToSweep},
    {"follower.fetch.last.tiered.offset.enable", kNoTiers},
    {"follower.replication.throttled.rate", kNoOtherBroker},
    {"group.*", kNoGroups},
    {"initial.broker.registration.timeout.ms", kOneProcess},
    {"internal.metadata.*", kKafkasTests},
    {"kafka.metrics.*", kMetricsAreRead},
    {"leader.imbalance.check.interval.seconds", "one node leads all that it has: there is nothing to balance"},
    {"leader.replication.throttled.rate", kNoOtherBroker},
    {"log.dir.failure.timeout.ms", kOneProcess},
    {"log.initial.task.delay.ms", "the upkeep of logs begins with the node"},
    {"log.local.retention.*", kNoTiers},
    {"log.preallocate", "files grow as they are written"},
    {"metric.reporters", kMetricsAreRead},
    {"metrics.*", kMetricsAreRead},
    {"num.io.threads", kOneThreadACore},
    {"num.network.threads", kOneThreadACore},
    {"num.replica.alter.log.dirs.threads", "replicas do not move between log directories"},
    {"num.replica.fetchers", kNoOtherBroker},
    {"offset.metadata.max.bytes", kNoGroups},
    {"offsets.*", kNoGroups},
    {"producer.purgatory.*", kNothingToSweep},
    {"queued.max.requests", "what waits is bounded in bytes: queued.max.request.bytes"},
    {"remote.*", kNoTiers},
    {"replica.fetch.*", kNoOtherBroker},
    {"replica.selector.class", kNoOtherBroker},
    {"replica.socket.*", kNoOtherBroker},
    {"replication.quota.*", kNoOtherBroker},
    {"request.timeout.ms", "no request goes to another broker"},
    {"sasl.*", kNoSecurity},
    {"security.providers", kNoSecurity},
    {"server.max.startup.time.ms", "a start takes as long as recovery takes; /readyz says where it stands"},
    {"share.*", kNoGroups},
    {"socket.connection.setup.timeout.*", "no connection goes to another broker"},
    {"ssl.*", kNoSecurity},
    {"telemetry.max.bytes", "metrics of clients are not collected"},
    {"transaction.*", kNoTransactions},
    {"transactional.id.expiration.ms", kNoTransactions},
    {"unclean.leader.election.interval.ms", "it is five minutes"},
    {"unstable.*", "every version that is offered is stable"},
};

constexpr Reason kTopicKeys[] = {
    {"follower.replication.throttled.replicas", kNoOtherBroker},
    {"leader.replication.throttled.replicas", kNoOtherBroker},
    {"local.retention.*", kNoTiers},
    {"preallocate", "files grow as they are written"},
    {"remote.*", kNoTiers},
};

constexpr bool fits(std::string_view pattern, std::string_view key) {
  return pattern.ends_with('*') ? key.starts_with(pattern.substr(0, pattern.size() - 1)) : key == pattern;
}

template <class Reasons>
std::string_view why(const Reasons& reasons, std::string_view key) {
  for (const Reason& reason : reasons) {
    if (fits(reason.key, key)) {
      return reason.why;
    }
  }
  return "";
}

}  // namespace

std::string_view why_without_effect(config::Scope scope, std::string_view key) noexcept {
  switch (scope) {
    case config::Scope::kBroker: return why(kBrokerKeys, key);
    case config::Scope::kTopic: return why(kTopicKeys, key);
    case config::Scope::kGroup: return kNoGroups;
    case config::Scope::kClientMetrics: return "metrics of clients are not collected";
  }
  return "";
}

}  // namespace moldau::broker
