#include "sim/crash/crash_run.h"

#include <unordered_set>
#include <utility>

#include "sim/crash/crash_boot.h"
#include "sim/crash/recording.h"
#include "sim/world/sim_random.h"

namespace moldau::sim {
namespace {

class CrashRun {
 public:
  explicit CrashRun(CrashRunOptions options)
      : options_(std::move(options)), recording_(record_workload(options_.seed)) {
    result_.calls = recording_.journal.operations.size();
  }

  CrashRunResult run() {
    const std::size_t all = options_.only ? 0 : count();
    SimRandom random(options_.seed);
    SimRandom lot(options_.seed + 1);
    CrashImages images(recording_.journal);
    while (!result_.fault && images.advance()) {
      if (options_.only) {
        if (images.prefix() == options_.only->prefix) {
          try_image(images, options_.only->choice);
        }
        continue;
      }
      for (const ImageChoice& choice : images.choices(random, {})) {
        if (lot.between(1, all) > options_.images_max) {
          continue;
        }
        if (!options_.on_image(images.prefix(), choice)) {
          return std::move(result_);
        }
        try_image(images, choice);
        if (result_.fault) {
          break;
        }
      }
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::size_t count() const {
    std::size_t all = 0;
    SimRandom random(options_.seed);
    for (CrashImages images(recording_.journal); images.advance();) {
      all += images.choices(random, {}).size();
    }
    return all;
  }

  void try_image(const CrashImages& images, const ImageChoice& choice) {
    const DiskImage image = images.build(choice);
    const std::uint64_t hash = hash_of(image);
    // The same disk under stricter promises is another case.
    if (!seen_.insert(hash ^ images.prefix() * 0x9e3779b97f4a7c15ULL).second) {
      return;
    }
    ++result_.images;
    ++result_.by_kind[static_cast<std::size_t>(choice.kind)];
    // The seed of the world follows from the image alone, so that one image can be tried again.
    const BootResult first = boot(image, recording_.ledger, images.prefix(), hash);
    ++result_.boots;
    if (!first.faults.empty()) {
      return fail(images, choice, first.faults, first.logs);
    }
    const std::uint64_t cut_at = SimRandom(hash).between(1, first.disk_calls);
    BootResult second = boot_after_second_crash(image, recording_.ledger, images.prefix(), hash + 1, cut_at);
    result_.boots += 2;
    if (second.faults.empty()) {
      second.faults = differences(recording_.ledger, first, second);
    }
    if (!second.faults.empty()) {
      second.faults.insert(second.faults.begin(), "after another power cut at disk call " + std::to_string(cut_at));
      fail(images, choice, second.faults, second.logs);
    }
  }

  void fail(const CrashImages& images, const ImageChoice& choice, std::vector<std::string> lines, std::string logs) {
    result_.fault = {.prefix = images.prefix(), .choice = choice, .lines = std::move(lines), .logs = std::move(logs)};
  }

  CrashRunOptions options_;
  Recording recording_;
  CrashRunResult result_;
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace

CrashRunResult run_crashes(CrashRunOptions options) {
  return CrashRun(std::move(options)).run();
}

}  // namespace moldau::sim
