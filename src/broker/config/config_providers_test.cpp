#include "broker/config/config_providers.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "broker/config/config_layers.h"
#include "runtime/fs.h"
#include "storage/testing/memory_fs.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kPackage = "org.apache.kafka.common.config.provider.";

class ConfigProvidersTest : public testing::Test {
 protected:
  ConfigProvidersTest() {
    write("/etc/keys.properties", "threads=5\nempty=\nnested=${env:WHO}\n");
    write("/run/secrets/size", "1048576\n");
    write("/run/secrets/deep/size", "1");
  }

  void write(const std::string& path, std::string_view content) {
    ASSERT_TRUE(fs_.make_dirs(runtime::parent_path(path)));
    fs_.put(path, to_vector(as_bytes(content)));
  }
  std::string fill(const std::string& lines) {
    layers_ = ConfigLayers();
    const std::string all = "config.providers=file,env,dir\nconfig.providers.file.class=" + std::string(kPackage) +
                            "FileConfigProvider\nconfig.providers.env.class=" + std::string(kPackage) +
                            "EnvVarConfigProvider\nconfig.providers.dir.class=" + std::string(kPackage) +
                            "DirectoryConfigProvider\n" + lines;
    EXPECT_FALSE(layers_.add_properties("server.properties", as_bytes(all)));
    const auto fault = fill_from_providers(layers_, fs_, {"WHO=me", "PATH=/bin", "BROKEN"});
    return fault ? fault->text : "";
  }
  // What "key=<text>" becomes.
  std::string filled(const std::string& text) {
    EXPECT_EQ(fill("key=" + text + "\n"), "");
    return layers_.find("key")->value;
  }

  storage::testing::MemoryFileSystem fs_;
  ConfigLayers layers_;
};

TEST_F(ConfigProvidersTest, ValuesComeFromFilesDirectoriesAndTheEnvironment) {
  EXPECT_EQ(filled("${file:/etc/keys.properties:threads}"), "5");
  EXPECT_EQ(filled("${file:/etc/keys.properties:empty}"), "");
  EXPECT_EQ(filled("${dir:/run/secrets:size}"), "1048576\n");
  EXPECT_EQ(filled("${env:WHO}"), "me");
  EXPECT_EQ(filled("a ${env:WHO} b ${env:PATH} c"), "a me b /bin c");
  EXPECT_EQ(layers_.find("key")->origin, "server.properties:5");
}

TEST_F(ConfigProvidersTest, WhatNobodyKnowsStaysAsItIsWritten) {
  for (const std::string text :
       {"${env:NOBODY}", "${nobody:x}", "${file:/etc/keys.properties:absent}", "${file:threads}", "${dir:size}",
        "${dir:/run/secrets:deep}", "${dir:/run:secrets/size}", "${dir:/run/none:size}", "${WHO}", "${env:WHO",
        "$env:WHO"}) {
    EXPECT_EQ(filled(text), text);
  }
  EXPECT_EQ(filled("${a ${env:WHO}"), "${a ${env:WHO}") << "a provider called `a ${env`";
  EXPECT_EQ(filled("${a} ${env:WHO}"), "${a} me");
  EXPECT_EQ(filled("${file:/etc/keys.properties:nested}"), "${env:WHO}") << "what was filled in is not looked through";
}

TEST_F(ConfigProvidersTest, ProvidersLookOnlyWhereTheyMay) {
  const std::string files =
      "config.providers.file.param.allowed.paths=/etc\nconfig.providers.dir.param.allowed.paths=/run/secrets,/etc\n";
  EXPECT_EQ(fill(files + "a=${file:/etc/keys.properties:threads}\nb=${file:/etc/../run/secrets/size:x}\nc=${dir:/run/"
                         "secrets/deep:size}\n"
                         "d=${dir:/run/secrets/..:size}\n"),
            "");
  EXPECT_EQ(layers_.find("a")->value, "5");
  EXPECT_EQ(layers_.find("b")->value, "${file:/etc/../run/secrets/size:x}");
  EXPECT_EQ(layers_.find("c")->value, "1");
  EXPECT_EQ(layers_.find("d")->value, "${dir:/run/secrets/..:size}");
  EXPECT_EQ(fill("config.providers.env.param.allowlist.pattern=W.*\na=${env:WHO}\nb=${env:PATH}\n"), "");
  EXPECT_EQ(layers_.find("a")->value, "me");
  EXPECT_EQ(layers_.find("b")->value, "${env:PATH}");
}

TEST_F(ConfigProvidersTest, WhatCannotBeUsedEndsTheStartWithItsLine) {
  EXPECT_EQ(fill("a=${file:/etc/absent:x}\n").substr(0, 39), "server.properties:5: a: /etc/absent: no");
  EXPECT_EQ(fill("a=${env:PATH:x}\n").substr(0, 24), "server.properties:5: a: ");
  EXPECT_NE(fill("config.providers.env.class=com.example.Vault\n"), "");
  EXPECT_NE(fill("config.providers.env.class=EnvVarConfigProvider\n"), "") << "Java wants the whole name";
  EXPECT_NE(fill("config.providers.file.param.allowed.paths=etc\n"), "");
  EXPECT_NE(fill("config.providers.file.param.allowed.paths=/none\n"), "");
  EXPECT_NE(fill("config.providers.env.param.allowlist.pattern=(\n"), "");
}

TEST_F(ConfigProvidersTest, WithoutProvidersNothingIsFilledIn) {
  ConfigLayers layers;
  layers.add("key", "${env:WHO}", "--set");
  EXPECT_FALSE(fill_from_providers(layers, fs_, {"WHO=me"}));
  EXPECT_EQ(layers.find("key")->value, "${env:WHO}");
  layers.add("config.providers", "env", "--set");
  EXPECT_FALSE(fill_from_providers(layers, fs_, {"WHO=me"})) << "a provider without a class is none";
  EXPECT_EQ(layers.find("key")->value, "${env:WHO}");
}

}  // namespace
}  // namespace moldau::broker
