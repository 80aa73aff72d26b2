#include <gtest/gtest.h>

#include "tools/output/json_values.h"
#include "tools/output/json_writer.h"
#include "tools/output/table.h"

namespace moldau::tools {
namespace {

TEST(JsonWriter, PutsCommasBetweenValuesOnly) {
  JsonWriter json;
  json.begin_object().member("a", 1).key("b").begin_array().value(true).null().begin_object().end_object().end_array();
  json.member("c", std::optional<std::string>()).key("d").value(0.5).end_object();
  EXPECT_EQ(json.text(), R"({"a":1,"b":[true,null,{}],"c":null,"d":0.5})");
}

TEST(JsonWriter, WritesDoublesAsJavaDoes) {
  JsonWriter json;
  json.begin_array();
  for (const double number : {0.0, 1000000.0, 0.25, 1e7, 123456789.5, 0.0001, -2.0}) {
    json.value(number);
  }
  json.end_array();
  EXPECT_EQ(json.text(), "[0.0,1000000.0,0.25,1.0E7,1.234567895E8,1.0E-4,-2.0]");
}

TEST(JsonWriter, EscapesWhatJsonCannotCarry) {
  EXPECT_EQ(json_escaped("say \"\\\"\n\t\x01\x1f"), R"(say \"\\\"\n\t\u0001\u001F)");
  EXPECT_EQ(json_escaped("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
}

TEST(JsonWriter, ReplacesBytesThatAreNoUtf8) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  for (const std::string bad : {"\x80", "\xC0\x80", "\xC3", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE0\x80\x80"}) {
    std::string wanted;
    for (std::size_t i = 0; i < bad.size(); ++i) {
      wanted += kReplacement;
    }
    EXPECT_EQ(json_escaped(bad), wanted);
  }
}

TEST(JsonValues, BytesAreBase64) {
  const auto base64 = [](std::string_view text) {
    JsonWriter json;
    write_json_value(json, as_bytes(text));
    return json.take();
  };
  EXPECT_EQ(base64(""), "\"\"");
  EXPECT_EQ(base64("f"), "\"Zg==\"");
  EXPECT_EQ(base64("fo"), "\"Zm8=\"");
  EXPECT_EQ(base64("foo"), "\"Zm9v\"");
  EXPECT_EQ(base64("\xff\xfe\xfd\xfc"), "\"//79/A==\"");
}

TEST(Table, AlignsItsColumnsAndEndsLinesClean) {
  Table table({{"NAME"}, {"N", Table::Align::kRight}, {"NOTE"}});
  table.add({"a", "10", ""});
  table.add({"longer", "7", "x\ny"});
  EXPECT_EQ(table.text(),
            "NAME     N  NOTE\n"
            "a       10\n"
            "longer   7  x?y\n");
}

}  // namespace
}  // namespace moldau::tools
