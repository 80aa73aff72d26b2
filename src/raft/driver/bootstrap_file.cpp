#include "raft/driver/bootstrap_file.h"

#include "raft/driver/batch_file.h"

namespace moldau::raft {

Result<std::vector<MetadataRecordAndVersion>> read_bootstrap_file(runtime::FileSystem& fs,
                                                                  const std::string& log_directory) {
  MOLDAU_TRY(reader, BatchFileReader::open(fs, runtime::join_path(log_directory, kBootstrapFile)));
  std::vector<MetadataRecordAndVersion> records;
  for (;;) {
    MOLDAU_TRY(batch, reader->next());
    if (!batch) {
      return records;
    }
    if (records.size() + batch->records.size() > kBootstrapRecordsMax) {
      return fail(ErrorKind::kTooLarge, "bootstrap.checkpoint");
    }
    for (MetadataRecordAndVersion& record : batch->records) {
      records.push_back(std::move(record));
    }
  }
}

Result<> write_bootstrap_file(runtime::FileSystem& fs, const std::string& log_directory,
                              const std::vector<MetadataRecordAndVersion>& records, std::int64_t now_ms) {
  const std::string path = runtime::join_path(log_directory, kBootstrapFile);
  const std::string part = path + ".tmp";
  MOLDAU_TRY(file, fs.open(part, runtime::OpenMode::kCreate));
  MOLDAU_CHECK(file->truncate(0));
  BatchFileWriter::Header header;
  header.now_ms = now_ms;
  BatchFileWriter writer(file, header);
  for (const MetadataRecordAndVersion& record : records) {
    writer.append(record);
  }
  MOLDAU_CHECK(writer.finish());
  MOLDAU_CHECK(file->sync());
  MOLDAU_CHECK(fs.rename(part, path));
  return fs.sync_dir(log_directory);
}

}  // namespace moldau::raft
