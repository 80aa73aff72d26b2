#include "sim/crash/crash_images.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/fs.h"
#include "sim/world/sim_disk.h"

namespace moldau::sim {
namespace {

using runtime::OpenMode;

struct CrashImagesTest : ::testing::Test {
  CrashImagesTest() : disk(SimRandom(1), CrashModel::kAnything), fs(disk.mount()) { disk.record_to(&journal); }

  void write(const std::string& path, std::uint64_t position, std::size_t size, char fill, bool sync) {
    const auto file = fs->open(path, OpenMode::kCreate);
    ASSERT_TRUE(file);
    const ByteVector data(size, static_cast<std::byte>(fill));
    const Bytes pieces[] = {data};
    ASSERT_TRUE((*file)->write_at(position, pieces));
    if (sync) {
      ASSERT_TRUE((*file)->sync());
    }
  }
  // The disk of a crash behind all calls.
  DiskImage last(const ImageChoice& choice) {
    CrashImages images(journal);
    while (images.advance()) {
    }
    return images.build(choice);
  }
  static std::string text(const DiskImage& image, const std::string& name) {
    const auto found = image.names.find(name);
    return found == image.names.end() ? "(gone)" : std::string(as_text(found->second.content));
  }
  // The last operation of this kind.
  std::size_t find(DiskOperation::Kind kind) {
    for (std::size_t i = journal.operations.size(); i-- > 0;) {
      if (journal.operations[i].kind == kind) {
        return i;
      }
    }
    return 0;
  }

  SimDisk disk;
  std::unique_ptr<runtime::FileSystem> fs;
  DiskJournal journal;
};

TEST_F(CrashImagesTest, AllIsWhatThePageCacheShowsAndSyncedWhatIsDurable) {
  write("/a", 0, 4, 'x', true);
  write("/a", 4, 4, 'y', false);
  EXPECT_EQ(text(last({.kind = ImageKind::kAll}), "a"), "xxxxyyyy");
  EXPECT_EQ(text(last({.kind = ImageKind::kSynced}), "a"), "(gone)") << "its name is not durable";
  ASSERT_TRUE(fs->sync_dir("/"));
  EXPECT_EQ(text(last({.kind = ImageKind::kSynced}), "a"), "xxxx");
}

TEST_F(CrashImagesTest, AWriteThatIsLostTakesWhatFollowsInItsSectorsAlong) {
  write("/a", 0, 600, 'x', false);
  const std::size_t lost = find(DiskOperation::Kind::kWrite);
  write("/a", 600, 600, 'y', false);
  const std::string content = text(last({.kind = ImageKind::kWithout, .first = lost, .second = lost}), "a");
  EXPECT_EQ(content, std::string(1024, '\0') + std::string(176, 'y'));
  const std::size_t second = find(DiskOperation::Kind::kWrite);
  EXPECT_EQ(text(last({.kind = ImageKind::kWithout, .first = second, .second = second}), "a"), std::string(600, 'x'));
}

TEST_F(CrashImagesTest, TheLastWriteMayBeTornOrZeros) {
  write("/a", 0, 100, 'x', true);
  write("/a", 100, 1000, 'y', false);
  const std::size_t last_write = find(DiskOperation::Kind::kWrite);
  EXPECT_EQ(text(last({.kind = ImageKind::kTorn, .first = last_write, .border = 512}), "a"),
            std::string(100, 'x') + std::string(412, 'y'));
  EXPECT_EQ(text(last({.kind = ImageKind::kZeros, .first = last_write}), "a"),
            std::string(100, 'x') + std::string(1000, '\0'));
}

TEST_F(CrashImagesTest, ARenameMayBeLostOrVisibleWithoutTheContent) {
  write("/a", 0, 3, 'o', true);
  ASSERT_TRUE(fs->sync_dir("/"));
  write("/a.tmp", 0, 3, 'n', false);
  ASSERT_TRUE(fs->rename("/a.tmp", "/a"));
  const std::size_t rename = find(DiskOperation::Kind::kName);
  const DiskImage lost = last({.kind = ImageKind::kWithout, .first = rename, .second = rename});
  EXPECT_EQ(text(lost, "a"), "ooo");
  EXPECT_EQ(text(lost, "a.tmp"), "nnn");
  const DiskImage empty = last({.kind = ImageKind::kEmpty, .first = rename});
  EXPECT_EQ(text(empty, "a"), "");
  EXPECT_EQ(text(empty, "a.tmp"), "(gone)");
}

TEST_F(CrashImagesTest, ALinkThatIsLostTakesTheRenameAlong) {
  write("/a.tmp", 0, 3, 'n', true);
  const std::size_t link = find(DiskOperation::Kind::kName);
  ASSERT_TRUE(fs->rename("/a.tmp", "/a"));
  const DiskImage image = last({.kind = ImageKind::kWithout, .first = link, .second = link});
  EXPECT_EQ(text(image, "a"), "(gone)");
  EXPECT_EQ(text(image, "a.tmp"), "(gone)");
}

TEST_F(CrashImagesTest, ACutThatIsLostHidesWhatWasWrittenAfterIt) {
  write("/a", 0, 8, 'x', true);
  const auto file = fs->open("/a", OpenMode::kCreate);
  ASSERT_TRUE(file && (*file)->truncate(2));
  const std::size_t cut = find(DiskOperation::Kind::kTruncate);
  write("/a", 2, 2, 'y', false);
  EXPECT_EQ(text(last({.kind = ImageKind::kAll}), "a"), "xxyy");
  EXPECT_EQ(text(last({.kind = ImageKind::kWithout, .first = cut, .second = cut}), "a"), "xxxxxxxx");
}

TEST_F(CrashImagesTest, ChoicesNameEveryOpenOperationAndSurviveTheirText) {
  write("/a", 0, 5'000, 'x', false);
  write("/b", 0, 100, 'y', false);
  ASSERT_TRUE(fs->rename("/b", "/c"));
  CrashImages images(journal);
  SimRandom random(3);
  std::vector<ImageChoice> all;
  while (images.advance()) {
    const auto choices = images.choices(random, {});
    all.insert(all.end(), choices.begin(), choices.end());
  }
  for (std::size_t i = 0; i < journal.operations.size(); ++i) {
    EXPECT_TRUE(std::ranges::any_of(all, [i](const ImageChoice& choice) {
      return choice.kind == ImageKind::kWithout && choice.first == i && choice.second == i;
    })) << i;
  }
  for (const ImageChoice& choice : all) {
    EXPECT_EQ(parse_image_choice(to_string(choice)), choice) << to_string(choice);
  }
  for (const char* nonsense :
       {"", "alll", "without", "without 1", "without 1,", "torn 1", "torn x at 2", "zeros 1,2"}) {
    EXPECT_FALSE(parse_image_choice(nonsense)) << nonsense;
  }
}

TEST_F(CrashImagesTest, ADiskHoldsAnImageAsIfItHadAlwaysBeenThere) {
  ASSERT_TRUE(fs->make_dirs("/d/e"));
  write("/d/e/f", 0, 10, 'z', false);
  const DiskImage image = disk.image();
  SimDisk other(SimRandom(2), CrashModel::kAnything);
  other.restore(image);
  other.power_cut();
  EXPECT_EQ(hash_of(other.image()), hash_of(image));
  EXPECT_NE(hash_of(last({.kind = ImageKind::kSynced})), hash_of(image));
  EXPECT_EQ(hash_of(last({.kind = ImageKind::kAll})), hash_of(image));
}

}  // namespace
}  // namespace moldau::sim
