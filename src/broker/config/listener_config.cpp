#include "broker/config/listener_config.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/config/listener_parser.h"
#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kListeners = "listeners";
constexpr std::string_view kAdvertised = "advertised.listeners";
constexpr std::string_view kControllers = "controller.listener.names";
constexpr std::string_view kProtocolMap = "listener.security.protocol.map";
constexpr std::string_view kPlaintext = "PLAINTEXT";
constexpr std::string_view kMetaAddress = "0.0.0.0";

// What a node without any configuration starts with.
constexpr std::string_view kListenersDefault = "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093";
constexpr std::string_view kControllerListenerDefault = "CONTROLLER";

bool is_ssl_or_sasl(std::string_view protocol) {
  return protocol == "SSL" || protocol == "SASL_SSL" || protocol == "SASL_PLAINTEXT";
}

// The listeners while they are read. The first fault ends it.
class ListenerReading {
 public:
  ListenerReading(ConfigReader& reader, NodeConfig& config) : reader_(reader), config_(config) {}

  void run() {
    if (!parse()) {
      return;
    }
    judge_controllers();
    judge_protocols();
    judge_advertised();
    judge_inter_broker();
    for (const NamedEndpoint& listener : bound_) {
      ListenerConfig made{.name = listener.name, .bind = listener.endpoint};
      made.is_controller = is_controller(listener.name);
      if (const NamedEndpoint* told = find(advertised_, listener.name)) {
        made.advertised = told->endpoint;
      }
      made.is_told = made.is_controller || advertised_.empty() || made.advertised;
      config_.listeners.push_back(std::move(made));
    }
  }

 private:
  void assume(std::string_view key, std::string_view value) {
    if (!reader_.is_set(key)) {
      config_.assumed_keys.emplace(key, value);
    }
  }

  bool parse() {
    assume(kListeners, kListenersDefault);
    assume(kControllers, kControllerListenerDefault);
    auto bound = parse_listeners(reader_.text(kListeners, kListenersDefault));
    if (!bound) {
      reader_.fail(kListeners, bound.error());
      return false;
    }
    bound_ = *std::move(bound);
    if (reader_.is_set(kAdvertised)) {
      auto advertised = parse_listeners(reader_.text(kAdvertised, ""), Ports::kAny);
      if (!advertised) {
        reader_.fail(kAdvertised, advertised.error());
        return false;
      }
      advertised_ = *std::move(advertised);
    }
    const std::string names = reader_.text(kControllers, kControllerListenerDefault);
    for (const std::string_view name : config::parse_list(names)) {
      controllers_.emplace_back(name);
    }
    return true;
  }

  static const NamedEndpoint* find(const std::vector<NamedEndpoint>& among, std::string_view name) {
    const auto found = std::ranges::find(among, name, &NamedEndpoint::name);
    return found == among.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool is_controller(std::string_view name) const {
    return std::ranges::find(controllers_, name) != controllers_.end();
  }

  void judge_controllers() {
    if (controllers_.empty()) {
      return reader_.fail(kControllers, "the controller needs a listener");
    }
    for (const std::string& name : controllers_) {
      if (find(bound_, name) == nullptr) {
        return reader_.fail(kControllers,
                            "none of the listeners is '" + name + "'" +
                                (find(bound_, upper_case(name)) != nullptr ? ": write it in upper case" : ""));
      }
    }
    config_.controller_name = controllers_.front();
    if (std::ranges::all_of(bound_, [&](const auto& l) { return is_controller(l.name); })) {
      reader_.fail(kListeners, "a listener for clients is needed beside the controller's");
    }
  }

  // What the map says, or what holds without one: a protocol's own name, and PLAINTEXT for the controller as long as
  // nothing asks for more.
  std::optional<ProtocolMap> effective_protocols() {
    if (reader_.is_set(kProtocolMap)) {
      auto map = parse_protocol_map(reader_.text(kProtocolMap, ""));
      if (!map) {
        reader_.fail(kProtocolMap, map.error());
        return std::nullopt;
      }
      return *std::move(map);
    }
    ProtocolMap map;
    for (const std::string_view protocol :
         {kPlaintext, std::string_view("SSL"), std::string_view("SASL_PLAINTEXT"), std::string_view("SASL_SSL")}) {
      map.emplace(protocol, protocol);
    }
    if (std::ranges::none_of(controllers_, is_ssl_or_sasl) &&
        std::ranges::none_of(bound_, is_ssl_or_sasl, &NamedEndpoint::name)) {
      for (const std::string& name : controllers_) {
        map.emplace(name, kPlaintext);
      }
    }
    return map;
  }

  void judge_protocols() {
    const auto map = effective_protocols();
    if (!map) {
      return;
    }
    for (const auto* listeners : {&bound_, &advertised_}) {
      for (const NamedEndpoint& listener : *listeners) {
        const auto found = map->find(listener.name);
        if (found == map->end()) {
          reader_.fail(kProtocolMap, "no security protocol is defined for listener " + listener.name);
        } else if (found->second != kPlaintext) {
          reader_.fail(kListeners, "listener " + listener.name + " asks for " + found->second +
                                       ", which this release does not have; serving it in the clear would open the "
                                       "cluster");
        }
      }
    }
  }

  void judge_advertised() {
    const bool is_set = !advertised_.empty();
    for (const NamedEndpoint& told : advertised_) {
      if (find(bound_, told.name) == nullptr) {
        reader_.fail(kAdvertised, "none of the listeners is " + told.name);
      }
      if (told.endpoint.host == kMetaAddress) {
        reader_.fail(kAdvertised, "0.0.0.0 is no address that a client could connect to");
      }
    }
    for (const NamedEndpoint& listener : bound_) {
      if (!is_set && !is_controller(listener.name) && listener.endpoint.host == kMetaAddress) {
        reader_.fail(kListeners,
                     "listener " + listener.name +
                         ": 0.0.0.0 is no address that a client could connect to: set advertised.listeners, "
                         "or leave the host empty");
      }
    }
    if (is_set && std::ranges::all_of(advertised_, [&](const auto& told) { return is_controller(told.name); })) {
      reader_.fail(kAdvertised, "a listener for clients is needed beside the controller's");
    }
  }

  void judge_inter_broker() {
    constexpr std::string_view kName = "inter.broker.listener.name";
    constexpr std::string_view kProtocol = "security.inter.broker.protocol";
    if (reader_.is_set(kName) && reader_.is_set(kProtocol)) {
      return reader_.fail(kName, "only one of it and " + std::string(kProtocol) + " may be set");
    }
    const std::string protocol = reader_.text(kProtocol, kPlaintext);
    if (protocol != kPlaintext) {
      return reader_.fail(kProtocol, "this release has PLAINTEXT only");
    }
    config_.inter_broker_listener = upper_case(reader_.text(kName, protocol));
    const auto& told = advertised_.empty() ? bound_ : advertised_;
    if (is_controller(config_.inter_broker_listener)) {
      reader_.fail(kName, "listener " + config_.inter_broker_listener + " is the controller's");
    } else if (find(told, config_.inter_broker_listener) == nullptr) {
      const std::string_view where = advertised_.empty() ? kListeners : kAdvertised;
      if (reader_.is_set(kName)) {
        return reader_.fail(kName, "none of the " + std::string(where) + " is named " + config_.inter_broker_listener);
      }
      reader_.fail(where, "none is named PLAINTEXT: set " + std::string(kName) + " to the one that brokers use");
    }
  }

  ConfigReader& reader_;
  NodeConfig& config_;
  std::vector<NamedEndpoint> bound_;
  std::vector<NamedEndpoint> advertised_;  // empty: advertised.listeners is not set
  std::vector<std::string> controllers_;   // as written: Kafka compares them with upper-case names
};

constexpr std::string_view kVoters = "controller.quorum.voters";
constexpr std::string_view kBootstrapServers = "controller.quorum.bootstrap.servers";
constexpr std::string_view kOneNode = "this release runs one node, which is the whole quorum";

ListenerConfig& controller_of(NodeConfig& config) {
  return *std::ranges::find(config.listeners, config.controller_name, &ListenerConfig::name);
}

bool has_port(const ListenerConfig& controller, std::uint16_t port) {
  return controller.bind.port == 0 || controller.bind.port == port ||
         (controller.advertised && controller.advertised->port == port);
}

void read_voters(ConfigReader& reader, NodeConfig& config) {
  const std::string text = reader.text(kVoters, "");
  std::optional<runtime::Endpoint> self;
  const auto voters = config::parse_list(text);
  for (const std::string_view voter : voters) {
    const std::size_t at = voter.find('@');
    auto endpoint = parse_endpoint(voter.substr(at == std::string_view::npos ? 0 : at + 1));
    if (!endpoint || at == std::string_view::npos) {
      return reader.fail(kVoters, "'" + std::string(voter) + "' is not id@host:port");
    }
    if (endpoint->host == kMetaAddress) {
      return reader.fail(kVoters, "0.0.0.0 is no address that a node could connect to");
    }
    if (config::parse_int(voter.substr(0, at)) == config.node_id.value()) {
      self = *std::move(endpoint);
    }
  }
  if (voters.empty()) {
    return;
  }
  const std::string id = std::to_string(config.node_id.value());
  ListenerConfig& controller = controller_of(config);
  if (!self) {
    return reader.fail(kVoters, "node " + id + " is a controller and not among them");
  }
  if (voters.size() > 1) {
    return reader.fail(kVoters, std::string(kOneNode) + ": it would be a cluster of its own beside the others; name " +
                                    id + "@" + self->host + ":" + std::to_string(self->port) + " alone");
  }
  if (!has_port(controller, self->port)) {
    return reader.fail(kVoters, "listener " + controller.name + " has port " + std::to_string(controller.bind.port) +
                                    ", not " + std::to_string(self->port));
  }
  if (!controller.advertised && (controller.bind.host.empty() || controller.bind.host == kMetaAddress)) {
    controller.advertised = std::move(self);
  }
}

void read_bootstrap_servers(ConfigReader& reader, NodeConfig& config) {
  const std::string text = reader.text(kBootstrapServers, "");
  const auto servers = config::parse_list(text);
  if (servers.size() > 1) {
    return reader.fail(kBootstrapServers,
                       std::string(kOneNode) + ": it would be a cluster of its own beside the others; name it alone");
  }
  if (servers.empty()) {
    return;
  }
  const auto endpoint = parse_endpoint(servers.front());
  if (!endpoint) {
    return reader.fail(kBootstrapServers, endpoint.error());
  }
  const ListenerConfig& controller = controller_of(config);
  if (!has_port(controller, endpoint->port)) {
    config.warnings.push_back("controller.quorum.bootstrap.servers names " + std::string(servers.front()) +
                              ", and listener " + controller.name + " has port " +
                              std::to_string(controller.bind.port) + ": nobody is asked, " + std::string(kOneNode));
  }
}

}  // namespace

void read_listeners(ConfigReader& reader, NodeConfig& config) {
  ListenerReading(reader, config).run();
}

void read_quorum(ConfigReader& reader, NodeConfig& config) {
  if (reader.fault()) {
    return;  // there may be no controller's listener
  }
  read_voters(reader, config);
  read_bootstrap_servers(reader, config);
}

}  // namespace moldau::broker
