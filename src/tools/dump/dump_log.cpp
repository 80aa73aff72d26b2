#include "tools/dump/dump_log.h"

#include "tools/dump/dump_context.h"
#include "tools/output/command_result.h"

namespace moldau::tools {

void DumpContext::begin_file(const std::string& path) {
  path_ = path;
  print_text("Dumping " + path);
}

void DumpContext::print(const Row& row) {
  sinks_.output(options_.json ? row.json(path_) : row.text());
}

void DumpContext::print_text(std::string_view line) {
  if (!options_.json) {
    sinks_.output(std::string(line) + "\n");
  }
}

void DumpContext::note(std::string_view line) {
  sinks_.errors(path_ + ": " + std::string(line) + "\n");
}

void DumpContext::fault(std::string_view line) {
  faulty_ = true;
  note(line);
}

namespace {

void dump_file(DumpContext& context, const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  context.begin_file(path);
  if (dump_checkpoint(context, path, name)) {
    return;
  }
  if (name.ends_with(".log") || name.ends_with(".checkpoint")) {
    dump_batches(context, path);
  } else if (name.ends_with(".timeindex")) {
    dump_time_index(context, path);
  } else if (name.ends_with(".txnindex")) {
    dump_transaction_index(context, path);
  } else if (name.ends_with(".index")) {
    dump_offset_index(context, path);
  } else if (name.ends_with(".snapshot")) {
    dump_producer_snapshot(context, path);
  } else if (name == "meta.properties" || name == "quorum-state" || name == "moldau.durable-end-heirs") {
    context.fault("not dumped: it is text, and can be read as it is");
  } else {
    context.fault("ignored: a name that no file of a log has; 'moldau dump-log --help' names the kinds");
  }
}

}  // namespace

int dump_log(runtime::FileSystem& fs, const DumpLogOptions& options, DumpSinks sinks) {
  DumpContext context(fs, options, std::move(sinks));
  for (const std::string& path : options.files) {
    dump_file(context, path);
  }
  return context.faulty() ? kExitRefused : kExitDone;
}

}  // namespace moldau::tools
