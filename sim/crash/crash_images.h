// The disks that a crash may leave: for each call of a journal, every legal choice among what was not synced by then.
//
//   CrashImages images(journal);
//   while (images.advance()) {
//     for (const ImageChoice& choice : images.choices(random, limits)) { boot(images.build(choice)); }
//   }
//
// The rules are those of the disk model kAnything (sim/world/inode.h, sim_disk.h): a sector holds a prefix of the
// writes to it; a file may be as long as any write made it, zeros where data is missing; a name operation that is lost
// takes along the later ones on the same inode or name; a sync of a file says nothing about names, one of a directory
// nothing about data.
//
// Bound: O(bytes on the disk) an image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "sim/world/disk_journal.h"
#include "sim/world/sim_random.h"

namespace moldau::sim {

enum class ImageKind : std::uint8_t {
  kAll,      // everything that was called
  kSynced,   // only what is durable for certain
  kWithout,  // all but one operation, or two
  kTorn,     // of the last write the bytes below a sector's border
  kZeros,    // of one write the size, its data zeros
  kEmpty,    // a rename that is visible, the renamed file's data as last synced
};

struct ImageChoice {
  ImageKind kind = ImageKind::kAll;
  std::size_t first = 0;     // operation: the lost, torn or emptied one
  std::size_t second = 0;    // kWithout: the other lost one, or the same
  std::uint64_t border = 0;  // kTorn: position in the file

  friend bool operator==(const ImageChoice&, const ImageChoice&) noexcept = default;
};

// "all", "without 17,20", "torn 17 at 512", …
[[nodiscard]] std::string to_string(const ImageChoice& choice);
[[nodiscard]] std::optional<ImageChoice> parse_image_choice(std::string_view text);

struct ImageLimits {
  std::size_t singles_max = 24;  // per call; the newest and some of the others
  std::size_t pairs_max = 8;
};

class CrashImages {
 public:
  // `journal` outlives this.
  explicit CrashImages(const DiskJournal& journal);

  // Goes on to the crash after the next call. False: there is none.
  [[nodiscard]] bool advance();
  // How many calls came before the crash.
  [[nodiscard]] std::size_t prefix() const noexcept { return prefix_; }

  [[nodiscard]] std::vector<ImageChoice> choices(SimRandom& random, const ImageLimits& limits) const;
  [[nodiscard]] DiskImage build(const ImageChoice& choice) const;

 private:
  struct FileState {
    ByteVector durable;
    std::vector<std::size_t> pending;  // operations since the last sync
  };
  using NamesOf = std::map<std::uint64_t, std::map<std::string, std::uint64_t>>;  // by directory
  // What a choice leaves out.
  struct Losses {
    std::set<std::size_t> operations;
    std::set<std::uint64_t> files;  // everything pending of these
    std::optional<std::size_t> zeros;
    std::optional<std::pair<std::size_t, std::uint64_t>> torn;
  };

  [[nodiscard]] const DiskOperation& at(std::size_t index) const { return journal_.operations[index]; }
  void commit_names(std::uint64_t directory);
  [[nodiscard]] std::vector<std::size_t> pending() const;
  [[nodiscard]] ByteVector survivor(const FileState& file, const Losses& losses) const;
  [[nodiscard]] NamesOf surviving_names(const Losses& losses) const;
  [[nodiscard]] DiskImage tree(std::uint64_t directory, const NamesOf& names, const Losses& losses) const;

  const DiskJournal& journal_;
  std::size_t prefix_ = 0;
  std::map<std::uint64_t, FileState> files_;
  std::set<std::uint64_t> directories_;
  NamesOf durable_names_;
  std::vector<std::size_t> pending_names_;
};

// Equal images have equal hashes; others hardly ever.
[[nodiscard]] std::uint64_t hash_of(const DiskImage& image);

}  // namespace moldau::sim
