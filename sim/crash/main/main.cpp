// moldau-crash: boots a broker on the disks that a power cut may leave at each call of recorded workloads.
//
//   moldau-crash --seeds 1..40 [--images-per-seed 500] [--images 20000] [--seconds 60]
//   moldau-crash --seed 7 --image "812 without 800,803" [--logs]     one image again
//   moldau-crash --seed 7 --journal                                  the calls of a workload, numbered
//
// Exit code: 0 every boot was good, 1 one was not, 2 usage. A fault prints the command that tries its image again.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "sim/crash/crash_run.h"
#include "sim/crash/recording.h"

namespace {

using moldau::sim::CrashRunOptions;
using moldau::sim::CrashRunResult;
using moldau::sim::DiskOperation;
using moldau::sim::ImageChoice;

constexpr std::size_t kLogLinesShown = 60;

struct Command {
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  std::size_t images_per_seed = 500;
  std::size_t images = std::numeric_limits<std::size_t>::max();
  std::optional<std::uint64_t> seconds;
  std::optional<CrashRunOptions::One> image;
  bool logs = false;
  bool journal = false;
};

[[noreturn]] void usage() {
  fmt::print(stderr,
             "usage: moldau-crash --seeds A..B [--images-per-seed N] [--images N] [--seconds S]\n"
             "       moldau-crash --seed N [--image \"PREFIX CHOICE\"] [--logs] [--journal]\n");
  std::exit(2);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || text.size() > 18) {
    usage();
  }
  for (const char c : text) {
    if (c < '0' || c > '9') {
      usage();
    }
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

CrashRunOptions::One one_image(std::string_view text) {
  const std::size_t space = text.find(' ');
  const auto choice =
      space == std::string_view::npos ? std::nullopt : moldau::sim::parse_image_choice(text.substr(space + 1));
  if (!choice) {
    usage();
  }
  return {.prefix = number(text.substr(0, space)), .choice = *choice};
}

Command parse(int argc, char** argv) {
  Command command;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&]() -> std::string_view { return i + 1 < argc ? argv[++i] : (usage(), std::string_view()); };
    if (argument == "--seed") {
      command.first = command.last = number(value());
    } else if (argument == "--seeds") {
      const std::string_view range = value();
      const std::size_t dots = range.find("..");
      if (dots == std::string_view::npos) {
        usage();
      }
      command.first = number(range.substr(0, dots));
      command.last = number(range.substr(dots + 2));
    } else if (argument == "--images-per-seed") {
      command.images_per_seed = number(value());
    } else if (argument == "--images") {
      command.images = number(value());
    } else if (argument == "--seconds") {
      command.seconds = number(value());
    } else if (argument == "--image") {
      command.image = one_image(value());
    } else if (argument == "--logs") {
      command.logs = true;
    } else if (argument == "--journal") {
      command.journal = true;
    } else {
      usage();
    }
  }
  if (command.last < command.first || (command.image && command.first != command.last)) {
    usage();
  }
  return command;
}

// What an assertion in the broker leaves behind.
std::string current;

void on_abort(int signal) {
  std::signal(signal, SIG_DFL);
  fmt::print("FAIL the process died of signal {}\nreplay: moldau-crash {} --logs\n", signal, current);
  std::fflush(stdout);
  std::raise(signal);
}

std::string_view last_lines(std::string_view text, std::size_t lines) {
  std::size_t at = text.size();
  while (at > 0 && lines > 0) {
    at = text.rfind('\n', at - 1);
    if (at == std::string_view::npos) {
      return text;
    }
    --lines;
  }
  return text.substr(at);
}

void print_journal(std::uint64_t seed) {
  const auto recording = moldau::sim::record_workload(seed);
  for (std::size_t i = 0; i < recording.journal.operations.size(); ++i) {
    const DiskOperation& operation = recording.journal.operations[i];
    switch (operation.kind) {
      case DiskOperation::Kind::kWrite:
        fmt::print("{} write #{} at {} {} bytes\n", i, operation.inode, operation.position, operation.data.size());
        break;
      case DiskOperation::Kind::kTruncate:
        fmt::print("{} truncate #{} to {}\n", i, operation.inode, operation.position);
        break;
      case DiskOperation::Kind::kSync: fmt::print("{} sync #{}\n", i, operation.inode); break;
      case DiskOperation::Kind::kName:
        fmt::print("{} name #{} from #{} '{}' to #{} '{}'\n", i, operation.inode, operation.from, operation.from_name,
                   operation.to, operation.to_name);
        break;
      case DiskOperation::Kind::kSyncDir: fmt::print("{} sync directory #{}\n", i, operation.inode); break;
    }
  }
}

bool run(const Command& command) {
  const auto started = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count(); };
  std::size_t images = 0;
  std::size_t boots = 0;
  std::size_t calls = 0;
  std::size_t by_kind[6] = {};
  std::uint64_t seed = command.first;
  for (; seed <= command.last && images < command.images; ++seed) {
    if (command.seconds && spent() > static_cast<double>(*command.seconds)) {
      break;
    }
    current = fmt::format("--seed {}", seed);
    const CrashRunResult result = moldau::sim::run_crashes(
        {.seed = seed,
         .images_max = command.images_per_seed,
         .only = command.image,
         .on_image = [&](std::size_t prefix, const ImageChoice& choice) {
           current = fmt::format("--seed {} --image \"{} {}\"", seed, prefix, moldau::sim::to_string(choice));
           return !command.seconds || spent() <= static_cast<double>(*command.seconds);
         }});
    images += result.images;
    boots += result.boots;
    calls += result.calls;
    for (std::size_t i = 0; i < std::size(by_kind); ++i) {
      by_kind[i] += result.by_kind[i];
    }
    if (result.fault) {
      for (const std::string& line : result.fault->lines) {
        fmt::print("FAIL seed {}: {}\n", seed, line);
      }
      fmt::print("{}\n",
                 command.logs ? std::string_view(result.fault->logs) : last_lines(result.fault->logs, kLogLinesShown));
      fmt::print("replay: moldau-crash --seed {} --image \"{} {}\" --logs\n", seed, result.fault->prefix,
                 moldau::sim::to_string(result.fault->choice));
      return false;
    }
  }
  fmt::print(
      "PASS {} crash images of {} workloads with {} calls, {} boots, {:.0f} s: {} all, {} synced, {} without, {} torn, "
      "{} zeros, {} empty\n",
      images, seed - command.first, calls, boots, spent(), by_kind[0], by_kind[1], by_kind[2], by_kind[3], by_kind[4],
      by_kind[5]);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const Command command = parse(argc, argv);
  std::signal(SIGABRT, on_abort);
  std::signal(SIGSEGV, on_abort);
  if (command.journal) {
    print_journal(command.first);
    return 0;
  }
  return run(command) ? 0 : 1;
}
