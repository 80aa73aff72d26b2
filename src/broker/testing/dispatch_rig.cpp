#include "broker/testing/dispatch_rig.h"

#include <map>
#include <utility>

#include "base/assert.h"
#include "protocol/api/api_info.h"
#include "protocol/testing/codec.h"
#include "protocol/wire/writer.h"

namespace moldau::broker::testing {
namespace {

using moldau::testing::all_codecs;
using moldau::testing::Codec;

struct Codecs {
  const Codec* request = nullptr;
  const Codec* response = nullptr;
};

// By API key; looked up once, since a fuzzer makes many rigs.
const Codecs& codecs_of(protocol::ApiKey key) {
  static const std::map<std::int16_t, Codecs> table = [] {
    std::map<std::int16_t, Codecs> made;
    for (const Codec* codec : all_codecs()) {
      if (codec->kind == "request") {
        made[codec->key].request = codec;
      } else if (codec->kind == "response") {
        made[codec->key].response = codec;
      }
    }
    return made;
  }();
  return table.at(static_cast<std::int16_t>(key));
}

// A message of default values, for Request::reply.
struct DefaultResponse {
  const Codec& codec;
  void encode(wire::Writer& writer, std::int16_t version) const { writer.raw(codec.default_frame(version)); }
};

class AnyHandler final : public Handler {
 public:
  AnyHandler(const protocol::ApiInfo& api, Seen& seen) : codec_(*codecs_of(api.key).request), seen_(seen) {}

  void handle(Request request) override {
    const bool is_known = request.api().supports(request.version());
    if (is_known && !codec_.decode(request.body(), request.version())) {
      return request.close();
    }
    seen_.requests.push_back({.key = static_cast<std::int16_t>(request.api().key),
                              .version = request.version(),
                              .correlation_id = request.correlation_id(),
                              .client_id = std::string(request.client_id())});
    if (seen_.hold) {
      seen_.held.push_back(std::move(request));
    } else {
      answer_by_default(request);
    }
  }

 private:
  const Codec& codec_;
  Seen& seen_;
};

}  // namespace

void answer_by_default(Request& request) {
  const DefaultResponse response{*codecs_of(request.api().key).response};
  if (request.api().supports(request.version())) {
    request.reply(response);
  } else {
    request.reply_as(response, 0);
  }
}

DispatchRig::DispatchRig(const ConnectionTable::Config& config, ListenerKind kind)
    : network_(shard_), dispatcher_(shard_, logger_, kind, nullptr), table_(shard_, network_, logger_, config) {
  const std::uint8_t listener = kind == ListenerKind::kBroker ? protocol::kOnBroker : protocol::kOnController;
  for (const protocol::ApiInfo& api : protocol::api_table()) {
    if ((api.listeners & listener) != 0) {
      dispatcher_.add(api.key, std::make_unique<AnyHandler>(api, seen_));
    }
  }
  table_.wire(dispatcher_, {&table_});
}

DispatchRig::~DispatchRig() {
  seen_.held.clear();  // closes their connections; chunks go before their pool
}

std::shared_ptr<FakePeer> DispatchRig::connect() {
  auto peer = std::make_shared<FakePeer>();
  table_.add(std::make_unique<FakeSocket>(shard_, peer), "PLAINTEXT", {});
  return peer;
}

void DispatchRig::settle() {
  constexpr int kTurnsMax = 1'000'000;
  for (int turns = 0; turns < kTurnsMax; ++turns) {
    shard_.turn();
    if (shard_.idle()) {
      return;
    }
  }
  MOLDAU_ASSERT(false);  // never comes to rest
}

}  // namespace moldau::broker::testing
