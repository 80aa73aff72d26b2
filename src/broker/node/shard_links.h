// How a shard hears of the metadata, and how its partitions reach their log directories, which are the home shard's.
#pragma once

#include <memory>
#include <utility>

#include "base/callback.h"
#include "base/result.h"
#include "broker/node/replica_host.h"
#include "broker/partitions/partition_router.h"
#include "broker/request/request_accounts.h"
#include "metadata/loader/metadata_loader.h"
#include "replication/partition/partition.h"
#include "replication/partition/partition_environment.h"
#include "runtime/shard.h"

namespace moldau::broker {

// Told on each shard when the metadata changed.
class ShardPublisher final : public metadata::MetadataPublisher {
 public:
  ShardPublisher(PartitionRouter& router, RequestAccounts& accounts) : router_(router), accounts_(accounts) {}
  void on_image(const metadata::ImageUpdate& update) override {
    router_.on_image(update.after, *update.changes);
    if (update.changes->quotas) {
      accounts_.set_limits(std::make_shared<const QuotaLimits>(*update.after));
    }
  }

 private:
  PartitionRouter& router_;
  RequestAccounts& accounts_;
};

// Brings what a shard's partitions want of their log directory to the home shard, and answers back.
class HomeDirectoryLink final : public replication::DirectoryLink {
 public:
  // `host` is read on the home shard.
  HomeDirectoryLink(runtime::Shard& here, runtime::Shard& home, const std::unique_ptr<ReplicaHost>& host)
      : here_(here), home_(home), host_(host) {}

  void keep_log_start(replication::Partition& partition, Function<void(bool)> done) override {
    home_.post([this, path = partition.log()->directory(), done = std::move(done)]() mutable {
      Function<void(bool)> back = [this, done = std::move(done)](bool kept) mutable {
        here_.post([done = std::move(done), kept]() mutable { done(kept); });
      };
      if (host_) {
        host_->keep_log_starts(path, std::move(back));
      } else {
        back(false);
      }
    });
  }

  void on_roll_synced(replication::Partition& partition) override {
    home_.post([this, path = partition.log()->directory()] {
      if (host_) {
        host_->on_roll(path);
      }
    });
  }

  void on_storage_failure(replication::Partition& partition, const Error& error) override {
    home_.post([this, path = partition.log()->directory(), error] {
      if (host_) {
        host_->on_storage_failure(path, error);
      }
    });
  }

 private:
  runtime::Shard& here_;
  runtime::Shard& home_;
  const std::unique_ptr<ReplicaHost>& host_;
};

}  // namespace moldau::broker
