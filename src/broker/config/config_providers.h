// Fills ${provider:[path:]key} into values of the static configuration, as config.providers asks for: what stands in
// files and in the environment rather than in server.properties. Kafka's own three providers; classes of others cannot
// be loaded.
//
//   config.providers=file,env,dir
//   config.providers.NAME.class=org.apache.kafka.common.config.provider. and behind it
//     FileConfigProvider         ${file:/path/x.properties:key}
//     EnvVarConfigProvider       ${env:NAME}
//     DirectoryConfigProvider    ${dir:/path:file}
//   config.providers.NAME.param.allowed.paths=/a,/b    config.providers.NAME.param.allowlist.pattern=KAFKA_.*
//
// What no provider knows, or may not look at, stays as it is written. What is filled in is not looked through again.
// Source: org.apache.kafka.common.config.ConfigTransformer. Difference: the allowlist's pattern is read as ECMAScript's
// grammar.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/config/config_layers.h"

namespace moldau::runtime {
class FileSystem;
}

namespace moldau::broker {

// `environment` is NAME=value entries. The first provider or file that cannot be used is the fault. Reads files, each
// of at most 1 MiB; for a start, where that may block.
[[nodiscard]] std::optional<ConfigFault> fill_from_providers(ConfigLayers& layers, runtime::FileSystem& fs,
                                                             const std::vector<std::string>& environment);

}  // namespace moldau::broker
