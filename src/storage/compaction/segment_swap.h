// Puts a compacted segment in the place of those it replaces, so that a crash at any point leaves the old ones or the
// new one, never both and never neither.
//
//   0 the .cleaned names are durable: a rename that is lost leaves one behind
//   1 .cleaned -> .swap      until all files have the new name, opening the log discards both
//   2 old files -> .deleted  from here on opening the log completes the swap (recovery/directory_files.h)
//   3 .swap -> no suffix     .log first: while it is a .swap, the others may be taken for the old segment's
//
// After each step the directory's names are synced, for a disk may keep later ones and lose earlier ones. The log
// must not open, rename or remove those files by name meanwhile (Log::begin_swap). Blocks; runs on Workers.
//
// Errors: kIo, kNoSpace: which names the files have is unknown: the log directory is to go offline.
// Source: LocalLog.replaceSegments. Difference: Kafka syncs the names once, at the end.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "storage/compaction/compaction_task.h"

namespace moldau::storage {

[[nodiscard]] Result<> put_in_place(runtime::FileSystem& fs, const std::string& directory, const CompactedGroup& group);

// Where put_in_place() leaves the old segments' files, whether there are such or not.
[[nodiscard]] std::vector<std::string> deleted_paths(const std::string& directory, const CompactedGroup& group);

// Removes the .cleaned files of a segment that came to nothing; missing ones are fine.
[[nodiscard]] Result<> remove_cleaned(runtime::FileSystem& fs, const std::string& directory, Offset base);

}  // namespace moldau::storage
