// A broker as the metadata log knows it: one registration, and what later records changed of it.
//
// Holds the record itself, so that nothing of it is lost between a log and a snapshot.
// Source: Kafka's BrokerRegistration; KIP-631, KIP-841, KIP-858 (directories), KIP-1066 (cordoned directories).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "metadata/image/metadata_version.h"
#include "metadata/records/broker_registration_change_record.h"
#include "metadata/records/register_broker_record.h"

namespace moldau::metadata {

class BrokerRegistration {
 public:
  using Endpoint = records::RegisterBrokerRecord::BrokerEndpoint;

  // `registered_at` is the offset of the record, or of the snapshot that held it.
  BrokerRegistration(records::RegisterBrokerRecord record, Offset registered_at)
      : record_(std::move(record)), registered_at_(registered_at) {}

  [[nodiscard]] NodeId id() const noexcept { return NodeId(record_.broker_id); }
  [[nodiscard]] BrokerEpoch epoch() const noexcept { return BrokerEpoch(record_.broker_epoch); }
  [[nodiscard]] const Uuid& incarnation_id() const noexcept { return record_.incarnation_id; }
  [[nodiscard]] bool fenced() const noexcept { return record_.fenced; }
  [[nodiscard]] bool in_controlled_shutdown() const noexcept { return record_.in_controlled_shutdown; }
  // May lead and be in sync: neither fenced nor about to leave.
  [[nodiscard]] bool active() const noexcept { return !fenced() && !in_controlled_shutdown(); }
  [[nodiscard]] const std::optional<std::string>& rack() const noexcept { return record_.rack; }
  [[nodiscard]] std::span<const Endpoint> endpoints() const noexcept { return record_.end_points; }
  // Null if the broker has no such listener.
  [[nodiscard]] const Endpoint* endpoint(std::string_view listener) const noexcept;
  [[nodiscard]] std::span<const Uuid> directories() const noexcept { return record_.log_dirs; }
  [[nodiscard]] const std::optional<std::vector<Uuid>>& cordoned() const noexcept { return record_.cordoned_log_dirs; }
  [[nodiscard]] Offset registered_at() const noexcept { return registered_at_; }
  [[nodiscard]] const records::RegisterBrokerRecord& record() const noexcept { return record_; }

  // A replica in `directory` can serve. Reserved ids count as online except LOST; so does anything while the
  // registration names no directories (metadata.version below 17).
  [[nodiscard]] bool has_online_directory(const Uuid& directory) const noexcept;
  // Some directory takes new replicas.
  [[nodiscard]] bool has_uncordoned_directory() const noexcept;
  // Where a new replica goes: the only directory, UNASSIGNED among several, MIGRATING if none is known.
  [[nodiscard]] Uuid default_directory() const noexcept;

  [[nodiscard]] BrokerRegistration with_fenced(bool fenced) const;
  // kCorrupt: an unknown code of fencing or shutdown.
  [[nodiscard]] Result<BrokerRegistration> changed(const records::BrokerRegistrationChangeRecord& change) const;

  // registered_at is no part of it: a snapshot does not carry it.
  friend bool operator==(const BrokerRegistration& a, const BrokerRegistration& b) { return a.record_ == b.record_; }

 private:
  records::RegisterBrokerRecord record_;
  Offset registered_at_;
};

}  // namespace moldau::metadata
