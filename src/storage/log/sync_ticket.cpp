#include "storage/log/sync_ticket.h"

namespace moldau::storage {

Result<> SyncTicket::run_names(runtime::FileSystem& fs) const {
  for (const Replacement& replacement : replacements) {
    MOLDAU_CHECK(runtime::replace_file(fs, replacement.path, replacement.content));
  }
  for (const std::string& directory : directories) {
    MOLDAU_CHECK(fs.sync_dir(directory));
  }
  return {};
}

Result<> SyncTicket::run(runtime::FileSystem& fs) const {
  for (const auto& file : files) {
    MOLDAU_CHECK(file->sync());
  }
  return run_names(fs);
}

}  // namespace moldau::storage
