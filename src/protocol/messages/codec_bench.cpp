// What decoding and encoding of the hot requests costs. Items are partitions.
#include <benchmark/benchmark.h>

#include <array>

#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/produce_request.h"

namespace moldau::protocol {
namespace {

void decode_produce(benchmark::State& state) {
  const std::array<std::byte, 1'000> batch{};
  ProduceRequest request;
  request.acks = -1;
  auto& topic = request.topic_data.emplace_back();
  topic.name = "orders";
  for (int i = 0; i < state.range(0); ++i) {
    auto& partition = topic.partition_data.emplace_back();
    partition.index = i;
    partition.records = wire::Records(batch);
  }
  wire::Writer writer;
  request.encode(writer, 12);
  for (auto _ : state) {
    wire::Reader reader(writer.bytes());
    benchmark::DoNotOptimize(ProduceRequest::decode(reader, 12));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_produce)->Arg(1)->Arg(6)->Arg(64);

void decode_fetch(benchmark::State& state) {
  FetchRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = Uuid{1, 2};
  for (int i = 0; i < state.range(0); ++i) {
    auto& partition = topic.partitions.emplace_back();
    partition.partition = i;
    partition.fetch_offset = 1'000'000 + i;
  }
  wire::Writer writer;
  request.encode(writer, 17);
  for (auto _ : state) {
    wire::Reader reader(writer.bytes());
    benchmark::DoNotOptimize(FetchRequest::decode(reader, 17));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_fetch)->Arg(1)->Arg(64)->Arg(1'000);

void encode_fetch_response(benchmark::State& state) {
  FetchResponse response;
  auto& topic = response.responses.emplace_back();
  topic.topic_id = Uuid{1, 2};
  for (int i = 0; i < state.range(0); ++i) {
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = i;
    partition.high_watermark = 1'000'000;
    partition.records = wire::Records::spliced(static_cast<std::uint32_t>(i), 1'000'000);
  }
  ByteVector buffer;
  for (auto _ : state) {
    wire::Writer writer(std::move(buffer));
    response.encode(writer, 17);
    benchmark::DoNotOptimize(writer.total_bytes());
    buffer = writer.take();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_fetch_response)->Arg(1)->Arg(64)->Arg(1'000);

}  // namespace
}  // namespace moldau::protocol
