#include "storage/recovery/producer_snapshot_file.h"

namespace moldau::storage {
namespace {

std::string snapshot_path(const SegmentContext& context, Offset offset) {
  return log_file_path(context.directory, offset, FileRole::kProducerSnapshot);
}

}  // namespace

Result<> write_producer_snapshot(SegmentContext& context, const ProducerState& state) {
  const ByteVector content = encode_producer_snapshot(state);
  MOLDAU_TRY(file, context.fs.open(snapshot_path(context, state.map_end()), runtime::OpenMode::kCreate));
  MOLDAU_CHECK(file->truncate(0));
  const Bytes piece(content);
  MOLDAU_CHECK(file->write_at(0, std::span(&piece, 1)));
  context.unsynced.push_back(std::move(file));
  context.names_unsynced = true;
  return {};
}

Result<ProducerEntries> read_producer_snapshot(SegmentContext& context, Offset offset) {
  MOLDAU_TRY(content, runtime::read_file(context.fs, snapshot_path(context, offset), kProducerSnapshotBytesMax));
  return parse_producer_snapshot(content);
}

Result<> remove_producer_snapshot(SegmentContext& context, Offset offset) {
  auto removed = context.fs.remove_file(snapshot_path(context, offset));
  if (!removed && removed.error().kind() != ErrorKind::kNotFound) {
    return removed;
  }
  context.names_unsynced = true;
  return {};
}

}  // namespace moldau::storage
