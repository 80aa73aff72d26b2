#include "storage/checkpoint/clean_shutdown.h"
#include "storage/checkpoint/durable_end_file.h"
#include "storage/checkpoint/offset_checkpoint.h"
#include "storage/checkpoint/partition_metadata.h"
#include "storage/epoch/leader_epoch_file.h"
#include "tools/dump/dump_context.h"

namespace moldau::tools {
namespace {

constexpr std::uint64_t kCheckpointBytesMax = 1ULL << 30;
constexpr std::string_view kLockFile = ".lock";

bool is_offset_checkpoint(std::string_view name) {
  return name == storage::kRecoveryPointCheckpoint || name == storage::kHighWatermarkCheckpoint ||
         name == storage::kLogStartCheckpoint || name == storage::kCleanerCheckpoint;
}

Row partition_row(const TopicPartition& partition) {
  Row row("entry");
  row.add_text("topic", partition.topic).add("partition", partition.partition.value());
  return row;
}

void dump_offsets(DumpContext& context, Bytes content) {
  const auto offsets = storage::parse_offset_checkpoint(content);
  if (!offsets) {
    return context.fault(offsets.error());
  }
  for (const auto& [partition, offset] : *offsets) {
    context.print(partition_row(partition).add("offset", offset.value()));
  }
}

void dump_durable_ends(DumpContext& context, Bytes content) {
  const auto ends = storage::parse_durable_ends(content);
  if (!ends) {
    return context.fault(ends.error());
  }
  for (const auto& [partition, end] : *ends) {
    context.print(partition_row(partition)
                      .add_text("topicId", end.topic_id.to_string())
                      .add("brokerEpoch", end.broker_epoch.value())
                      .add("durableEnd", end.end.value()));
  }
}

void dump_leader_epochs(DumpContext& context, Bytes content) {
  const auto epochs = storage::parse_leader_epochs(content);
  if (!epochs) {
    return context.fault(epochs.error());
  }
  if (epochs->contradictory) {
    context.fault("entries contradict each other; these are the ones that count");
  }
  for (const auto& entry : epochs->cache.entries()) {
    context.print(Row("entry").add("epoch", entry.epoch.value()).add("startOffset", entry.start.value()));
  }
}

void dump_partition_metadata(DumpContext& context, Bytes content) {
  const auto metadata = storage::parse_partition_metadata(content);
  if (!metadata) {
    return context.fault(metadata.error());
  }
  context.print(Row("partition").add("version", metadata->version).add_text("topicId", metadata->topic_id.to_string()));
}

void dump_clean_shutdown(DumpContext& context, Bytes content) {
  const auto epoch = storage::parse_clean_shutdown(content);
  if (!epoch) {
    context.note("the last process stopped cleanly; under which broker epoch is not told");
    return;
  }
  context.print(Row("cleanShutdown").add("brokerEpoch", epoch->value()));
}

// Kafka's is empty, and so is ours.
void dump_lock(DumpContext& context, Bytes /*content*/) {
  context.note("holds nothing: a running node keeps a lock on it");
}

}  // namespace

bool dump_checkpoint(DumpContext& context, const std::string& path, std::string_view name) {
  void (*dump)(DumpContext&, Bytes) = is_offset_checkpoint(name)                ? dump_offsets
                                      : name == storage::kDurableEndFile        ? dump_durable_ends
                                      : name == storage::kLeaderEpochFile       ? dump_leader_epochs
                                      : name == storage::kPartitionMetadataFile ? dump_partition_metadata
                                      : name == storage::kCleanShutdownFile     ? dump_clean_shutdown
                                      : name == kLockFile                       ? dump_lock
                                                                                : nullptr;
  if (dump == nullptr) {
    return false;
  }
  if (const auto content = runtime::read_file(context.fs(), path, kCheckpointBytesMax)) {
    dump(context, *content);
  } else {
    context.fault(content.error());
  }
  return true;
}

}  // namespace moldau::tools
