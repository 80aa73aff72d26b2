// moldau-sim: runs the broker in the simulated world, seed by seed.
//
//   moldau-sim --seed 7 [--logs] [--trace]     one run; prints its trace hash
//   moldau-sim --seeds 1..200 [--seconds 60] [--jobs 2] [--twice]
//
// Exit code: 0 all runs good, 1 a run found a fault, or many runs never reached a branch that they are there for, 2
// usage. A fault prints its seed and the command that replays it.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/apps/run.h"
#include "sim/apps/summary.h"

namespace {

using moldau::sim::RunOptions;
using moldau::sim::RunResult;
using moldau::sim::Summary;

constexpr std::size_t kLogLinesShown = 200;  // of a failed run among many

struct Command {
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  bool single = false;
  bool logs = false;
  bool trace = false;
  bool twice = false;  // each seed two times: the hashes must agree
  std::uint64_t jobs = 1;
  std::optional<double> seconds;
};

[[noreturn]] void usage() {
  fmt::print(stderr,
             "usage: moldau-sim --seed N [--logs] [--trace] [--twice]\n"
             "       moldau-sim --seeds A..B [--seconds S] [--jobs N] [--twice]\n");
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

Command parse(int argc, char** argv) {
  Command command;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&]() -> std::string_view { return i + 1 < argc ? argv[++i] : (usage(), std::string_view()); };
    if (argument == "--seed") {
      command.first = command.last = number(value());
      command.single = true;
    } else if (argument == "--seeds") {
      const std::string_view range = value();
      const std::size_t dots = range.find("..");
      if (dots == std::string_view::npos) {
        usage();
      }
      command.first = number(range.substr(0, dots));
      command.last = number(range.substr(dots + 2));
    } else if (argument == "--seconds") {
      command.seconds = static_cast<double>(number(value()));
    } else if (argument == "--jobs") {
      command.jobs = std::max<std::uint64_t>(1, number(value()));
    } else if (argument == "--logs") {
      command.logs = true;
    } else if (argument == "--trace") {
      command.trace = true;
    } else if (argument == "--twice") {
      command.twice = true;
    } else {
      usage();
    }
  }
  if (command.last < command.first) {
    usage();
  }
  return command;
}

// What an assertion in the broker leaves behind: the seed, and the logs so far.
std::uint64_t current_seed = 0;
moldau::Function<std::string()> current_logs;

void print_last_lines(const std::string& text, std::size_t lines) {
  std::size_t at = text.size();
  while (at > 0 && lines > 0) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) {
      at = 0;
      break;
    }
    --lines;
  }
  fmt::print("{}\n", std::string_view(text).substr(at));
}

// The process is beyond repair and single-threaded; a report that itself fails loses nothing.
void on_abort(int signal) {
  std::signal(signal, SIG_DFL);
  fmt::print("FAIL seed {}: the process died of signal {}\nreplay: moldau-sim --seed {} --logs\n", current_seed, signal,
             current_seed);
  std::fflush(stdout);
  if (current_logs) {
    print_last_lines(current_logs(), kLogLinesShown);
    std::fflush(stdout);
  }
  std::raise(signal);
}

RunResult run_one(const Command& command, std::uint64_t seed) {
  current_seed = seed;
  RunOptions options{.seed = seed, .trace_sink = {}, .on_logs_ready = {}};
  if (command.trace) {
    options.trace_sink = [](std::string_view line) { fmt::print("{}\n", line); };
  }
  options.on_logs_ready = [](moldau::Function<std::string()> logs) { current_logs = std::move(logs); };
  RunResult result = moldau::sim::run(std::move(options));
  current_logs.reset();
  return result;
}

bool report(const Command& command, std::uint64_t seed, const RunResult& result) {
  if (result.faults.empty()) {
    return true;
  }
  for (const std::string& fault : result.faults) {
    fmt::print("FAIL seed {}: {}\n", seed, fault);
  }
  fmt::print("replay: moldau-sim --seed {} --logs\n", seed);
  print_last_lines(result.logs, command.logs ? SIZE_MAX : kLogLinesShown);
  std::fflush(stdout);
  return false;
}

// Runs first, first + jobs, … into `summary`; true if all were good.
bool run_share(const Command& command, std::uint64_t share, Summary& summary) {
  const auto started = std::chrono::steady_clock::now();
  bool good = true;
  for (std::uint64_t seed = command.first + share; good && seed <= command.last; seed += command.jobs) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
    if (command.seconds && spent.count() > *command.seconds) {
      break;
    }
    const RunResult result = run_one(command, seed);
    summary.add(result);
    good = report(command, seed, result);
    if (command.twice && run_one(command, seed).trace_hash != result.trace_hash) {
      fmt::print("FAIL seed {}: two runs gave different traces\n", seed);
      good = false;
    }
    if (command.single) {
      fmt::print(
          "seed {} hash {:016x} events {} records {} acked {} kills {} power cuts {} clean stops {} virtual {:.1f} s\n",
          seed, result.trace_hash, result.events, result.records, result.acked, result.crashes.kills,
          result.crashes.power_cuts, result.crashes.clean_stops, result.virtual_seconds);
    }
  }
  summary.take_probes();
  std::fflush(stdout);
  return good;
}

std::string read_to_end(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(fd);
  return text;
}

// A process for each share: a run is single-threaded. Each sends its summary through a pipe that is read to its end.
bool run_in_processes(const Command& command, Summary& summary) {
  std::fflush(stdout);
  std::vector<int> pipes;
  for (std::uint64_t share = 0; share < command.jobs; ++share) {
    int ends[2];
    if (::pipe(ends) != 0) {
      std::perror("moldau-sim: pipe");
      return false;
    }
    const pid_t child = ::fork();
    if (child < 0) {
      std::perror("moldau-sim: fork");
      return false;
    }
    if (child == 0) {
      ::close(ends[0]);
      Summary own;
      bool good = run_share(command, share, own);
      const std::string text = own.encode();
      good = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) && good;
      std::_Exit(good ? 0 : 1);
    }
    ::close(ends[1]);
    pipes.push_back(ends[0]);
  }
  bool good = true;
  for (const int fd : pipes) {
    summary.merge(Summary::decode(read_to_end(fd)));
  }
  for (std::uint64_t share = 0; share < command.jobs; ++share) {
    int status = 0;
    good = ::wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && good;
  }
  return good;
}

bool run_all(const Command& command) {
  const auto started = std::chrono::steady_clock::now();
  Summary summary;
  bool good = command.jobs == 1 ? run_share(command, 0, summary) : run_in_processes(command, summary);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
  if (!command.single) {
    fmt::print("{}", summary.describe(spent.count()));
  }
  for (const std::string& name : good ? summary.never_reached() : std::vector<std::string>()) {
    fmt::print("FAIL probe {} was never reached\n", name);
    good = false;
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  const Command command = parse(argc, argv);
  std::signal(SIGABRT, on_abort);
  std::signal(SIGSEGV, on_abort);
  return run_all(command) ? 0 : 1;
}
