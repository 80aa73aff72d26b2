// Conversations of replicas as text: testdata/*.txt. A line is a command; the lines behind it, indented, are what the
// replicas did because of it. MOLDAU_REWRITE=1 writes the files anew: review the difference.
//
//   voters N [observers M]     makes the replicas, all started at 0 ms
//   time MS                    moves the clock
//   timer N | persist N | sync N | propose N | crash N | start N | snapshot N
//   settle                     persists, syncs and delivers on all until nothing is under way
//   deliver                    hands over all messages now under way, in order
//   drop A B                   loses the messages under way between A and B, both directions
//   state                      prints one line for each replica
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "raft/core/testing/cluster.h"

namespace moldau::raft {
namespace {

using testing::Cluster;

class Scenario {
 public:
  std::string run(std::istream& script) {
    std::string out;
    for (std::string line; std::getline(script, line);) {
      if (line.starts_with("  ")) {
        continue;  // an earlier result
      }
      out += line + "\n";
      if (!line.empty() && !line.starts_with("#")) {
        execute(line);
        out += report();
      }
    }
    return out;
  }

 private:
  void execute(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    std::size_t n = 0;
    if (command == "voters") {
      std::string observers;
      std::uint32_t m = 0;
      words >> n >> observers >> m;
      count_ = n + m;
      cluster_ = std::make_unique<Cluster>(1, static_cast<std::uint32_t>(n), m);
      return;
    }
    ASSERT_NE(cluster_, nullptr) << line;
    words >> n;
    const std::size_t node = n - 1;
    if (command == "time") {
      cluster_->advance_to(Millis(static_cast<std::int64_t>(n)));
    } else if (command == "timer") {
      cluster_->step(node, TimerFired{});
    } else if (command == "persist") {
      cluster_->finish_persist(node);
    } else if (command == "sync") {
      cluster_->sync(node);
      cluster_->sync(node);
    } else if (command == "propose") {
      extra_ = cluster_->propose(node) ? "" : "  refused\n";
    } else if (command == "crash") {
      cluster_->crash(node);
    } else if (command == "start") {
      cluster_->start(node);
    } else if (command == "snapshot") {
      cluster_->snapshot(node);
    } else if (command == "deliver") {
      deliver_all();
    } else if (command == "settle") {
      settle();
    } else if (command == "drop") {
      std::size_t other = 0;
      words >> other;
      cluster_->drop_between(node, other - 1);
    } else if (command == "state") {
      std::istringstream lines(cluster_->describe_nodes());
      for (std::string text; std::getline(lines, text);) {
        extra_ += "  " + text + "\n";
      }
    } else {
      FAIL() << "unknown command: " << line;
    }
  }

  void settle() {
    constexpr int kRounds = 12;
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t i = 0; i < count_; ++i) {
        if (cluster_->quorum(i) != nullptr) {
          cluster_->finish_persist(i);
          cluster_->sync(i);
          cluster_->sync(i);
        }
      }
      deliver_all();
    }
  }

  void deliver_all() {
    for (std::size_t left = cluster_->network().size(); left > 0; --left) {
      cluster_->deliver(0, false);
    }
  }

  std::string report() {
    std::string out;
    for (std::size_t i = 0; i < count_; ++i) {
      for (const std::string& did : cluster_->take_trace(i)) {
        out += "  " + std::to_string(i + 1) + " " + did + "\n";
      }
    }
    return out + std::exchange(extra_, "");
  }

  std::unique_ptr<Cluster> cluster_;
  std::size_t count_ = 0;
  std::string extra_;
};

TEST(QuorumScenario, EveryConversationGoesAsWritten) {
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(MOLDAU_SOURCE_DIR "/src/raft/core/testdata")) {
    SCOPED_TRACE(file.path().string());
    ++files;
    std::ifstream in(file.path());
    std::stringstream expected;
    expected << in.rdbuf();
    in.close();
    const std::string actual = Scenario().run(expected);
    if (std::getenv("MOLDAU_REWRITE") != nullptr) {
      std::ofstream(file.path()) << actual;
    } else {
      EXPECT_EQ(actual, expected.str());
    }
  }
  EXPECT_GE(files, 4U);
}

}  // namespace
}  // namespace moldau::raft
