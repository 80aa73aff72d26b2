// How a shard reaches the log directories, which are the home shard's.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "broker/handlers/log_dir_channel.h"
#include "broker/node/replica_host.h"
#include "runtime/shard.h"

namespace moldau::broker {

class LogDirLink final : public LogDirChannel {
 public:
  // `host` is read on the home shard.
  LogDirLink(runtime::Shard& here, runtime::Shard& home, const std::unique_ptr<ReplicaHost>& host)
      : here_(here), home_(home), host_(host) {}

  void describe(std::optional<std::vector<TopicPartition>> only,
                Function<void(std::vector<LogDirView>)> reply) override {
    home_.post([this, only = std::move(only), reply = std::move(reply)]() mutable {
      if (host_) {
        host_->log_dirs().describe(std::move(only), back(std::move(reply)));
      }
    });
  }

  void move(std::vector<LogDirMove> moves, Function<void(std::vector<protocol::ErrorCode>)> reply) override {
    home_.post([this, moves = std::move(moves), reply = std::move(reply)]() mutable {
      if (host_) {
        host_->log_dirs().move(std::move(moves), back(std::move(reply)));
      }
    });
  }

 private:
  // The reply runs, and goes, on this shard.
  template <class T>
  Function<void(T)> back(Function<void(T)> reply) {
    return [&here = here_, reply = std::move(reply)](T answer) mutable {
      here.post([reply = std::move(reply), answer = std::move(answer)]() mutable { reply(std::move(answer)); });
    };
  }

  runtime::Shard& here_;
  runtime::Shard& home_;
  const std::unique_ptr<ReplicaHost>& host_;
};

}  // namespace moldau::broker
