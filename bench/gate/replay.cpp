// The same requests over and over through the whole data path of a node, without sockets, clock or disk: connection,
// dispatcher, handler, partition, log on a simulated disk. Its instructions are counted by bench/gate/check.
//
//   bench_replay produce-100|produce-1k|produce-one|produce-lz4|fetch|fetch-wait|metadata COUNT
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/handlers/testing/made_up_broker.h"
#include "broker/handlers/testing/requests.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"
#include "protocol/messages/produce_response.h"

using namespace moldau;
using namespace moldau::broker::testing;
using protocol::ApiKey;

namespace {

constexpr std::int16_t kProduceVersion = 9;
constexpr std::int16_t kFetchVersion = 12;
constexpr std::int16_t kMetadataVersion = 12;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench_replay: %s\n", what);
  std::exit(1);
}

void produce(MadeUpBroker& broker, MemoryClient& client, const ByteVector& batch) {
  client.send(ApiKey::kProduce, kProduceVersion, produce_to("t", batch, 1));
  broker.settle();
}

// The first answer alone: reading the others would be counted too.
void expect_produced(MemoryClient& client) {
  const auto answer = client.receive<protocol::ProduceResponse>(ApiKey::kProduce, kProduceVersion);
  if (!answer || answer->responses.at(0).partition_responses.at(0).error_code != 0) {
    fail("a batch was refused");
  }
}

void expect_fetched(MemoryClient& client) {
  const auto answer = client.receive<protocol::FetchResponse>(ApiKey::kFetch, kFetchVersion);
  if (!answer || answer->responses.at(0).partitions.at(0).records->size_bytes() == 0) {
    fail("nothing was fetched");
  }
}

// One request of so many records each time.
void replay_produce(int count, int records, std::size_t value_bytes, record::Codec codec = record::Codec::kNone) {
  MadeUpBroker broker;
  broker.add_topic("t");
  MemoryClient client = broker.connect();
  const ByteVector batch = batch_of(records, value_bytes, {.codec = codec});
  for (int i = 0; i < count; ++i) {
    produce(broker, client, batch);
  }
  expect_produced(client);
}

// Of a log of many small batches as much as fits, from its beginning.
void replay_fetch(int count) {
  constexpr int kBatches = 200;
  MadeUpBroker broker;
  broker.add_topic("t");
  MemoryClient client = broker.connect();
  MemoryClient producer = broker.connect();
  for (int i = 0; i < kBatches; ++i) {
    produce(broker, producer, batch_of(10, 100));
  }
  for (int i = 0; i < count; ++i) {
    client.send(ApiKey::kFetch, kFetchVersion, fetch_from("t", {i % kBatches * 10}, {.partition_max_bytes = 64 << 10}));
    broker.settle();
  }
  expect_fetched(client);
}

// A fetch waits at the end of the log and is answered by the next append: the way of every record to a caught-up
// consumer.
void replay_fetch_wait(int count) {
  MadeUpBroker broker;
  broker.add_topic("t");
  MemoryClient producer = broker.connect();
  MemoryClient consumer = broker.connect();
  const ByteVector batch = batch_of(1, 100);
  for (int i = 0; i < count; ++i) {
    consumer.send(ApiKey::kFetch, kFetchVersion, fetch_from("t", {i}, {.max_wait_ms = 500, .min_bytes = 1}));
    broker.run_turns();
    produce(broker, producer, batch);
  }
  expect_produced(producer);
  expect_fetched(consumer);
}

void replay_metadata(int count) {
  MadeUpBroker broker;
  for (int i = 0; i < 20; ++i) {
    broker.add_topic("topic-" + std::to_string(i), 10);
  }
  MemoryClient client = broker.connect();
  for (int i = 0; i < count; ++i) {
    protocol::MetadataRequest request;
    request.topics.reset();  // all
    client.send(ApiKey::kMetadata, kMetadataVersion, request);
    broker.settle();
  }
  const auto answer = client.receive<protocol::MetadataResponse>(ApiKey::kMetadata, kMetadataVersion);
  if (!answer || answer->topics.size() != 20) {
    fail("not all topics are named");
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::map<std::string_view, void (*)(int)> replays = {
      {"produce-100", [](int count) { replay_produce(count, 2'300, 100); }},
      {"produce-1k", [](int count) { replay_produce(count, 250, 1024); }},
      {"produce-one", [](int count) { replay_produce(count, 1, 100); }},
      {"produce-lz4", [](int count) { replay_produce(count, 500, 100, record::Codec::kLz4); }},
      {"fetch", replay_fetch},
      {"fetch-wait", replay_fetch_wait},
      {"metadata", replay_metadata}};
  const auto found = argument_count == 3 ? replays.find(arguments[1]) : replays.end();
  if (found == replays.end()) {
    fail("usage: bench_replay REPLAY COUNT");
  }
  found->second(std::atoi(arguments[2]));
  return 0;
}
