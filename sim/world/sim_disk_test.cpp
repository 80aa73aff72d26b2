#include "sim/world/sim_disk.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moldau::sim {
namespace {

using runtime::FileSystem;
using runtime::OpenMode;

constexpr int kSeeds = 300;

ByteVector pattern(std::size_t size, std::uint64_t salt) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((salt * 131 + i * 7 + i / 251) % 255 + 1);  // never zero
  }
  return bytes;
}

void append(runtime::File& file, Bytes bytes) {
  const Bytes pieces[] = {bytes};
  ASSERT_TRUE(file.write_at(file.size().value(), pieces));
}

void put(FileSystem& fs, const std::string& path, std::string_view text, bool sync = true) {
  auto file = fs.open(path, OpenMode::kCreate).value();
  ASSERT_TRUE(file->truncate(0));
  append(*file, as_bytes(text));
  if (sync) {
    ASSERT_TRUE(file->sync());
  }
}

std::string get(FileSystem& fs, const std::string& path) {
  auto bytes = runtime::read_file(fs, path, 1 << 24);
  return bytes ? std::string(as_text(*bytes)) : "<" + std::string(to_string(bytes.error().kind())) + ">";
}

class SimDiskModels : public testing::TestWithParam<CrashModel> {};
INSTANTIATE_TEST_SUITE_P(Both, SimDiskModels, testing::Values(CrashModel::kOrdered, CrashModel::kAnything),
                         [](const auto& info) { return info.param == CrashModel::kOrdered ? "Ordered" : "Anything"; });

TEST_P(SimDiskModels, SyncedBytesSurviveAndTheTailIsALegalPartOfWhatWasWritten) {
  int torn = 0;
  int zeroed = 0;
  int whole = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimRandom random(static_cast<std::uint64_t>(seed));
    SimDisk disk(random.fork(), GetParam());
    auto fs = disk.mount();
    ASSERT_TRUE(fs->make_dirs("/data"));
    auto file = fs->open("/data/log", OpenMode::kCreate).value();
    ASSERT_TRUE(fs->sync_dir("/data") && fs->sync_dir("/"));
    ByteVector written;
    std::size_t synced = 0;
    for (std::uint64_t i = 0, steps = random.between(1, 12); i < steps; ++i) {
      const ByteVector piece = pattern(random.between(1, 9000), random.next() % 1000);
      append(*file, piece);
      written.insert(written.end(), piece.begin(), piece.end());
      if (random.below(4) == 0) {
        ASSERT_TRUE(file->sync());
        synced = written.size();
      }
    }
    disk.power_cut();
    fs = disk.mount();
    const ByteVector found = runtime::read_file(*fs, "/data/log", 1 << 24).value();
    ASSERT_GE(found.size(), synced) << "seed " << seed;
    ASSERT_LE(found.size(), written.size());
    ASSERT_TRUE(std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(synced), written.begin()));
    bool has_zero = false;
    for (std::size_t i = synced; i < found.size(); ++i) {
      ASSERT_TRUE(found[i] == written[i] || found[i] == std::byte{0}) << "seed " << seed << " at " << i;
      has_zero = has_zero || found[i] == std::byte{0};
    }
    zeroed += has_zero ? 1 : 0;
    torn += found.size() > synced && found.size() < written.size() ? 1 : 0;
    whole += found.size() == written.size() && !has_zero ? 1 : 0;
  }
  EXPECT_GT(torn, 10);
  EXPECT_GT(whole, 10);
  if (GetParam() == CrashModel::kOrdered) {
    EXPECT_EQ(zeroed, 0);
  } else {
    EXPECT_GT(zeroed, 30);
  }
}

TEST_P(SimDiskModels, BytesCutByAVisibleTruncationDoNotComeBack) {
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(SimRandom(static_cast<std::uint64_t>(seed)), GetParam());
    auto fs = disk.mount();
    put(*fs, "/f", std::string(2000, 'a'));
    ASSERT_TRUE(fs->sync_dir("/"));
    auto file = fs->open("/f", OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->truncate(1000));
    append(*file, as_bytes(std::string(1000, 'b')));
    disk.power_cut();
    fs = disk.mount();
    const std::string found = get(*fs, "/f");
    EXPECT_EQ(found.substr(0, 1000), std::string(1000, 'a'));
    const std::string tail = found.substr(1000);
    const bool old_tail = tail == std::string(1000, 'a');
    EXPECT_TRUE(old_tail || tail.find('a') == std::string::npos) << "seed " << seed;
    outcomes.insert(old_tail ? "old" : tail.empty() ? "cut" : "rewritten");
  }
  EXPECT_THAT(outcomes, testing::UnorderedElementsAre("old", "cut", "rewritten"));
}

TEST_P(SimDiskModels, AProcessCrashKeepsThePageCacheAndKillsHandlesAndLocks) {
  SimDisk disk(SimRandom(1), GetParam());
  auto fs = disk.mount();
  auto file = fs->open("/f", OpenMode::kCreateNew).value();
  append(*file, as_bytes("unsynced"));
  auto lock = fs->lock("/.lock").value();
  EXPECT_EQ(fs->lock("/.lock").error().kind(), ErrorKind::kLocked);
  disk.kill();
  EXPECT_EQ(file->sync().error().kind(), ErrorKind::kClosed);
  EXPECT_EQ(fs->exists("/f").error().kind(), ErrorKind::kClosed);
  auto next = disk.mount();
  EXPECT_EQ(get(*next, "/f"), "unsynced");
  auto taken = next->lock("/.lock");
  EXPECT_TRUE(taken);
  lock.reset();  // the dead process's lock object does not release the new one
  EXPECT_EQ(next->lock("/.lock").error().kind(), ErrorKind::kLocked);
}

TEST_P(SimDiskModels, ARenameWithoutSyncDirMayBeLostAndIsNeverHalf) {
  std::map<std::string, int> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(SimRandom(static_cast<std::uint64_t>(seed)), GetParam());
    auto fs = disk.mount();
    put(*fs, "/f", "old");
    ASSERT_TRUE(fs->sync_dir("/"));
    put(*fs, "/f.tmp", "new");
    ASSERT_TRUE(fs->rename("/f.tmp", "/f"));
    disk.power_cut();
    fs = disk.mount();
    ++outcomes[get(*fs, "/f") + " " + get(*fs, "/f.tmp")];
  }
  EXPECT_GT(outcomes["new <not found>"], 20);
  EXPECT_GT(outcomes["old new"], 5);
  const bool ordered = GetParam() == CrashModel::kOrdered;  // there the sync of the temporary committed its name
  EXPECT_EQ(outcomes["old <not found>"] > 20, !ordered);
  EXPECT_EQ(outcomes.size(), 3U);
}

TEST_P(SimDiskModels, ReplaceFileIsOldOrNewAndNewOnceItReturned) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimRandom random(static_cast<std::uint64_t>(seed));
    SimDisk disk(random.fork(), GetParam());
    auto fs = disk.mount();
    ASSERT_TRUE(runtime::replace_file(*fs, "/f", as_bytes("first content")));
    disk.freeze_after(random.between(1, 9));
    const bool replaced = runtime::replace_file(*fs, "/f", as_bytes("second")).has_value();
    disk.power_cut();
    fs = disk.mount();
    const std::string found = get(*fs, "/f");
    EXPECT_TRUE(found == "second" || (!replaced && found == "first content")) << seed << " " << found;
  }
}

TEST(SimDisk, AFileSyncedWithoutItsNameMayBeMissing) {
  int missing = 0;
  int empty_or_whole = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(SimRandom(static_cast<std::uint64_t>(seed)), CrashModel::kAnything);
    auto fs = disk.mount();
    put(*fs, "/new", "text");
    disk.power_cut();
    fs = disk.mount();
    const std::string found = get(*fs, "/new");
    missing += found == "<not found>" ? 1 : 0;
    empty_or_whole += found == "text" ? 1 : 0;
  }
  EXPECT_GT(missing, 50);
  EXPECT_GT(empty_or_whole, 50);
  EXPECT_EQ(missing + empty_or_whole, kSeeds);
}

TEST(SimDisk, InTheOrderedModelSyncingAFileCommitsAllNamesBeforeIt) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(SimRandom(static_cast<std::uint64_t>(seed)), CrashModel::kOrdered);
    auto fs = disk.mount();
    ASSERT_TRUE(fs->make_dirs("/a/b"));
    put(*fs, "/a/b/f", "text");
    disk.power_cut();
    fs = disk.mount();
    EXPECT_EQ(get(*fs, "/a/b/f"), "text");
  }
}

TEST(SimDisk, ADirectoryWhoseOwnNameIsNotSyncedTakesItsFilesWithIt) {
  int lost = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(SimRandom(static_cast<std::uint64_t>(seed)), CrashModel::kAnything);
    auto fs = disk.mount();
    ASSERT_TRUE(fs->make_dirs("/topic-0"));
    put(*fs, "/topic-0/log", "text");
    ASSERT_TRUE(fs->sync_dir("/topic-0"));
    disk.power_cut();
    fs = disk.mount();
    lost += fs->exists("/topic-0").value() ? 0 : 1;
  }
  EXPECT_GT(lost, 50);
}

// Random creates, renames and unlinks in two directories: what sync_dir covered stays, one inode never has two names.
TEST(SimDisk, NamesUnderRandomOperationsKeepWhatWasSynced) {
  for (int seed = 0; seed < kSeeds * 3; ++seed) {
    SimRandom random(static_cast<std::uint64_t>(seed));
    SimDisk disk(random.fork(), random.below(2) == 0 ? CrashModel::kAnything : CrashModel::kOrdered);
    auto fs = disk.mount();
    ASSERT_TRUE(fs->make_dirs("/a") && fs->make_dirs("/b") && fs->sync_dir("/"));
    std::map<std::string, std::string> names;                   // path -> content, as the process sees it
    std::map<std::string, std::optional<std::string>> certain;  // known after a crash; absent from the map: unknown
    auto random_path = [&] {
      return std::string(random.below(2) == 0 ? "/a/" : "/b/") + static_cast<char>('p' + random.below(4));
    };
    for (int step = 0; step < 40; ++step) {
      const std::string path = random_path();
      const std::string other = random_path();
      switch (random.below(4)) {
        case 0:
          if (!names.contains(path)) {
            names[path] = std::to_string(step);
            put(*fs, path, names[path]);
            certain.erase(path);
          }
          break;
        case 1:
          if (names.contains(path) && path != other) {
            ASSERT_TRUE(fs->rename(path, other));
            names[other] = names[path];
            names.erase(path);
            certain.erase(path);
            certain.erase(other);
          }
          break;
        case 2:
          if (names.erase(path) > 0) {
            ASSERT_TRUE(fs->remove_file(path));
            certain.erase(path);
          }
          break;
        default: {
          const std::string directory = path.substr(0, 2);
          ASSERT_TRUE(fs->sync_dir(directory));
          for (char name = 'p'; name < 't'; ++name) {
            const std::string synced = directory + "/" + name;
            certain[synced] = names.contains(synced) ? std::optional(names[synced]) : std::nullopt;
          }
          break;
        }
      }
    }
    disk.power_cut();
    fs = disk.mount();
    std::set<std::string> contents;
    for (const std::string directory : {"/a", "/b"}) {
      for (const auto& entry : fs->list(directory).value()) {
        const std::string path = runtime::join_path(directory, entry.name);
        const std::string found = get(*fs, path);
        EXPECT_TRUE(contents.insert(found).second) << "seed " << seed << ": one inode under two names";
        EXPECT_TRUE(!certain.contains(path) || certain[path] == found) << "seed " << seed << " " << path;
      }
    }
    for (const auto& [path, content] : certain) {
      EXPECT_EQ(get(*fs, path), content.value_or("<not found>")) << "seed " << seed << " " << path;
    }
  }
}

TEST(SimDisk, AFailedSyncIsNotHealedByTheNextOne) {
  int lost = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimDisk disk(SimRandom(static_cast<std::uint64_t>(seed)), CrashModel::kAnything);
    auto fs = disk.mount();
    put(*fs, "/f", "", true);
    ASSERT_TRUE(fs->sync_dir("/"));
    auto file = fs->open("/f", OpenMode::kReadWrite).value();
    append(*file, as_bytes("doomed"));
    disk.faults().sync_error_ppm = 1'000'000;
    EXPECT_EQ(file->sync().error().kind(), ErrorKind::kIo);
    disk.faults().sync_error_ppm = 0;
    EXPECT_EQ(get(*fs, "/f"), "doomed");  // the page cache still shows it
    EXPECT_TRUE(file->sync());
    disk.power_cut();
    fs = disk.mount();
    lost += get(*fs, "/f") == "doomed" ? 0 : 1;
  }
  EXPECT_GT(lost, 50);
}

TEST(SimDisk, AFullDiskTakesAPrefixAndRecoversWhenFilesGo) {
  SimDisk disk(SimRandom(3), CrashModel::kAnything);
  auto fs = disk.mount();
  put(*fs, "/a", std::string(600, 'a'));
  disk.faults().capacity_bytes = 1000;
  auto file = fs->open("/b", OpenMode::kCreate).value();
  const std::string text(500, 'b');
  const Bytes pieces[] = {as_bytes(text)};
  EXPECT_EQ(file->write_at(0, pieces).error().kind(), ErrorKind::kNoSpace);
  EXPECT_LE(disk.used_bytes(), 1000U);
  ASSERT_TRUE(fs->remove_file("/a") && fs->sync_dir("/"));
  EXPECT_TRUE(file->write_at(0, pieces));
}

TEST(SimDisk, DiesAtTheGivenCall) {
  for (std::uint64_t k = 1; k <= 4; ++k) {
    SimDisk disk(SimRandom(3), CrashModel::kAnything);
    auto fs = disk.mount();
    disk.freeze_after(k);
    std::uint64_t succeeded = 0;
    for (int i = 0; i < 6; ++i) {
      succeeded += fs->make_dirs("/d" + std::to_string(i)) ? 1 : 0;
    }
    EXPECT_EQ(succeeded, k - 1);
    EXPECT_TRUE(disk.frozen());
    disk.power_cut();
    EXPECT_TRUE(disk.mount()->make_dirs("/again"));
  }
}

TEST(SimDisk, BitRotShowsInBothVersions) {
  SimDisk disk(SimRandom(3), CrashModel::kAnything);
  auto fs = disk.mount();
  put(*fs, "/f", "a");
  ASSERT_TRUE(fs->sync_dir("/"));
  EXPECT_TRUE(disk.flip_bit("/f", 0, 1));
  EXPECT_FALSE(disk.flip_bit("/f", 1, 1));
  disk.power_cut();
  EXPECT_EQ(get(*disk.mount(), "/f"), "c");
}

TEST(SimDisk, EqualSeedsLeaveEqualDisks) {
  auto run = [] {
    SimDisk disk(SimRandom(9), CrashModel::kAnything);
    auto fs = disk.mount();
    for (int i = 0; i < 20; ++i) {
      put(*fs, "/f" + std::to_string(i), std::string(3000, 'x'), i % 2 == 0);
    }
    disk.power_cut();
    fs = disk.mount();
    std::string all;
    for (const auto& entry : fs->list("/").value()) {
      all += entry.name + get(*fs, "/" + entry.name);
    }
    return all;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace moldau::sim
