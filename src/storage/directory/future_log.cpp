#include "storage/directory/future_log.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/bytes.h"
#include "storage/checkpoint/partition_metadata.h"
#include "storage/directory/partition_directory.h"

namespace moldau::storage {
namespace {

// Batches come from the original, which has checked their epochs.
constexpr LeaderEpoch kAnyEpoch{std::numeric_limits<std::int32_t>::max()};

}  // namespace

FutureLog::FutureLog(LogEnvironment environment, std::string directory, TopicPartition name, const Uuid& topic_id,
                     const LogConfig& config, const Uuid& unique)
    : environment_(environment),
      directory_(std::move(directory)),
      path_(runtime::join_path(directory_, set_aside_directory_name(name, DirectoryKind::kFuture, unique))),
      name_(std::move(name)),
      topic_id_(topic_id),
      config_(config) {}

Result<> FutureLog::begin(std::int64_t now_ms) {
  MOLDAU_CHECK(environment_.fs.make_dirs(path_));
  MOLDAU_CHECK(write_partition_metadata(environment_.fs, path_, topic_id_));
  MOLDAU_CHECK(environment_.fs.sync_dir(directory_));
  OpenHints hints;
  hints.new_directory = true;
  hints.now_ms = now_ms;
  MOLDAU_TRY(log, Log::open(environment_, path_, name_, config_, hints));
  log_ = std::move(log);
  return {};
}

Result<> FutureLog::restart_at(Offset start, std::int64_t now_ms) {
  return log_->truncate_fully_and_start_at(start, now_ms);
}

Result<> FutureLog::append(const Slice& slice, std::int64_t now_ms) {
  ByteVector bytes(std::max(slice.size, slice.first_batch_size));
  MOLDAU_TRY(read, slice.file->read_at(slice.position, bytes));
  const auto appended = log_->append_as_is(Bytes(bytes).first(read), kAnyEpoch, ProducerOrigin::kReplica, now_ms);
  if (!appended) {
    return std::unexpected(appended.error().cause);
  }
  return {};
}

Result<> FutureLog::seal(const Equal& original, std::int64_t now_ms) {
  MOLDAU_CHECK(log_->skip_to(original.end, now_ms));
  MOLDAU_CHECK(log_->advance_log_start(original.start));
  MOLDAU_CHECK(log_->assign_epoch_start(original.epoch));
  log_->release_idle_resources();  // writes the index, which is to be synced too
  if (log_->offline()) {
    return fail(ErrorKind::kIo, "the copy could not be written out");
  }
  if (log_->has_unsynced()) {
    const SyncTicket ticket = log_->collect_unsynced();
    if (const Result<> synced = ticket.run(environment_.fs); !synced) {
      log_->on_sync_failed(synced.error());
      return synced;
    }
    log_->on_synced(ticket);
  }
  MOLDAU_ASSERT(log_->durable_end() == log_->log_end(), log_->durable_end().value());
  return {};
}

}  // namespace moldau::storage
