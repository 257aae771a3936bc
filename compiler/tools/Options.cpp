//===- Options.cpp - The command line of cria ------------------------------===//

#include "compiler/tools/Options.h"

#include "compiler/Version.h"
#include "compiler/transforms/QuantizeRules.h"

#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <sstream>

using namespace cria;

namespace {

/// A whole number from 1 on; decimal, with zeros in front, too.
void addCount(CLI::App &command, const char *name, int64_t &count, std::string help) {
  command.add_option_function<std::string>(
      name,
      [&count, name](const std::string &text) {
        if (llvm::StringRef(text).getAsInteger(10, count) || count < 1)
          throw CLI::ValidationError(name, "expects a whole number from 1 on, but got '" + text + "'");
      },
      help);
}

/// Refuses an empty word, which would be taken for an option that is not there.
std::string notEmpty(const std::string &text) { return text.empty() ? "expects a value, but got ''" : ""; }

void addModelOptions(CLI::App &command, DriverOptions &options) {
  command
      .add_option("model", options.model,
                  "a Hugging Face folder, a GGUF or llama2.c file, or synthetic:NAME "
                  "(default: the storyteller that ships with cria)")
      ->check([](const std::string &path) { return path.empty() ? "expects a model, but got ''" : ""; });
  command
      .add_option("--target", options.target, "chip to compile for, native, or several in one file (see: cria targets)")
      ->check(notEmpty);
  command
      .add_option("--dtype", options.weightType, "type of the weights on the way out (default: as stored)")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}));
  CLI::Option *quantize =
      command
      .add_option("--quantize", options.quantize,
                  "matrices at few bits: a format, then exceptions, as in q4,lm_head=q6,down_proj=q8; the last "
                  "exception that fits wins. Formats: none, " +
                      llama::quantizableFormats() +
                      ". Roles: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, lm_head, embed (these "
                      "two q8 unless named)")
      ->check([](const std::string &text) {
        llvm::Expected<QuantizeRules> rules = QuantizeRules::parse(text);
        return rules ? std::string() : llvm::toString(rules.takeError());
      });
  command
      .add_option("--kv", options.cacheType,
                  "type of the KV cache (default: f32; q8: codes of 8 bits, 32 to a scale)")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8"}));
  command.add_flag_callback("--no-screen", [&options] { options.screen = false; },
                            "do not store the 6- or 8-bit copy of a large float head, by which a decode step computes "
                            "only the logits that can be drawn; the text is the same either way");
  command
      .add_option("--calibrate", options.calibrate,
                  "choose codes by GPTQ: the model reads this text first, and rounding errors are moved to where they "
                  "change its results least")
      ->check(notEmpty)
      ->needs(quantize);
  addCount(command, "--context", options.context, "positions of the KV cache (default: the model's, at most 4096)");
  addCount(command, "--chunk", options.chunk,
           "prompt tokens per prefill step (default: " + std::to_string(options.chunk) + ")");
  command.add_option("--tokenizer", options.tokenizer, "tokenizer file to use instead of the model's own")
      ->check(notEmpty);
}

} // namespace

std::optional<DriverOptions> cria::parseOptions(int argc, char **argv, int &exitCode) {
  DriverOptions options;
  CLI::App app("Compiles a LLaMA-style model into one file that runs by itself.", "cria");
  app.set_version_flag("--version", std::string(kProducer));
  app.require_subcommand(1);

  CLI::App *compile = app.add_subcommand("compile", "compile a model into an executable");
  addModelOptions(*compile, options);
  CLI::Option *output = compile->add_option("-o,--output", options.output, "the file to write")->check(notEmpty);
  CLI::Option *stopAfter =
      compile->add_option("--stop-after", options.stopAfter,
                          "print the IR after this phase, to -o or standard output (see: cria phases)");
  stopAfter->check(notEmpty)->excludes(compile->get_option("--calibrate"));
  compile->add_flag("--report", options.report, "print format, size and error of every matrix, to standard output")
      ->excludes(stopAfter);

  CLI::App *run = app.add_subcommand("run", "compile a model into a cache, and run it");
  addModelOptions(*run, options);
  run->footer("What follows -- goes to the model: cria run MODEL -- -p \"Once upon a time\"");

  CLI::App *targets = app.add_subcommand("targets", "list what --target takes");
  CLI::App *phases = app.add_subcommand("phases", "list what --stop-after takes");

  // CLI11 would take what follows `--` as positional words of cria's own.
  int own = argc;
  for (int i = 1; i < argc && own == argc; ++i)
    if (std::string(argv[i]) == "--")
      own = i;
  for (int i = own + 1; i < argc; ++i)
    options.programArguments.push_back(argv[i]);

  try {
    for (int i = 1; i < own; ++i) // CLI11 would take the next word
      if (llvm::StringRef word = argv[i]; word.starts_with("--") && word.ends_with("="))
        throw CLI::ValidationError(word.drop_back().str(), "expects a value behind '='");
    app.parse(own, argv);
    if (own < argc && !run->parsed())
      throw CLI::ExtrasError({"--"});
    if (!options.calibrate.empty() && !llvm::cantFail(QuantizeRules::parse(options.quantize)).quantizes())
      throw CLI::ValidationError("--calibrate", "expects matrices at few bits, but got --quantize " + options.quantize);
    if (compile->parsed() && options.stopAfter.empty() && output->count() == 0)
      throw CLI::RequiredError("-o");
    if (compile->parsed() && options.stopAfter.empty() && options.output == "-")
      throw CLI::ValidationError("-o", "expects a file, but got '-': only what --stop-after prints can go to standard "
                                       "output (./- is a file of that name)");
  } catch (const CLI::Success &help) {
    std::ostringstream text;
    exitCode = app.exit(help, text, text);
    llvm::outs() << text.str();
    return std::nullopt;
  } catch (const CLI::ParseError &error) {
    std::cerr << "cria: error: " << error.what() << "\nTry 'cria --help'.\n";
    exitCode = 2;
    return std::nullopt;
  }
  options.command = run->parsed()       ? DriverOptions::Command::Run
                    : targets->parsed() ? DriverOptions::Command::Targets
                    : phases->parsed()  ? DriverOptions::Command::Phases
                                        : DriverOptions::Command::Compile;
  return options;
}
