// lacuna tokenizer train | encode | decode: tokenizers made from text files, and lines of standard input through them.
#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "../core/files.h"
#include "../core/suggest.h"
#include "../datasets/tokenizer.h"
#include "../kernels/cpu/parallel.h"
#include "command.h"

namespace lacuna::tools {
namespace {

// Lines of standard input through `convert`, on all threads, in blocks: memory does not grow with the input.
// convert(line, number, out) appends what the line becomes; numbers count from 1.
template <class Convert>
void convert_lines(Convert&& convert) {
  constexpr std::size_t kLines = 1 << 14, kBytes = 1 << 24, kPiece = 256;
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  std::vector<std::string> lines(kLines), pieces((kLines + kPiece - 1) / kPiece);
  for (std::int64_t first = 1;;) {
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < kLines && bytes < kBytes; count++) {
      if (!std::getline(std::cin, lines[count])) break;
      bytes += lines[count].size();
    }
    if (count == 0) return;
    // Where a line is at fault, those before it are still written.
    std::vector<std::exception_ptr> errors(pieces.size());
    cpu::parallel_for(static_cast<std::int64_t>(count), kPiece,
                      [&](std::int64_t begin, std::int64_t end) {
                        std::string& out = pieces[begin / kPiece];
                        out.clear();
                        try {
                          for (std::int64_t i = begin; i < end; i++) {
                            convert(lines[i], first + i, out);
                            out += '\n';
                          }
                        } catch (...) {
                          errors[begin / kPiece] = std::current_exception();
                        }
                      });
    for (std::size_t p = 0; p * kPiece < count; p++) {
      const std::string& out = pieces[p];
      const std::size_t whole = out.rfind('\n');
      const std::size_t bytes = whole == std::string::npos ? 0 : whole + 1;
      if (std::fwrite(out.data(), 1, bytes, stdout) != bytes)
        throw RunError("[output] cannot write to standard output: is the disk full?");
      if (errors[p]) std::rethrow_exception(errors[p]);
    }
    first += static_cast<std::int64_t>(count);
  }
}

// An error's text without the tokenizer's name, behind the line's.
[[noreturn]] void fail_in_line(std::int64_t number, const Error& e) {
  const std::string text = e.what();
  const std::size_t name = text.find("] ");
  fail("tokenizer", "line ", number, ": ",
       name == std::string::npos ? text : text.substr(name + 2));
}

void append_number(std::string& out, std::int64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

std::vector<std::int32_t> parse_ids(std::string_view line) {
  std::vector<std::int32_t> ids;
  for (const char *p = line.data(), *end = p + line.size(); p < end;) {
    if (*p == ' ' || *p == '\t' || *p == '\r') {
      p++;
      continue;
    }
    std::int32_t id = 0;
    const auto [after, error] = std::from_chars(p, end, id);
    LACUNA_CHECK(
        error == std::errc() && (after == end || *after == ' ' || *after == '\t' || *after == '\r'),
        "tokenizer", "ids must be whole numbers with blanks between: got \"",
        std::string(p, std::min<std::size_t>(20, static_cast<std::size_t>(end - p))), '"');
    ids.push_back(id);
    p = after;
  }
  return ids;
}

std::int64_t whole_number(const char* option, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  LACUNA_CHECK(error == std::errc() && end == text.data() + text.size() && value >= 0, "usage",
               option, " must be a whole number: got \"", text, '"');
  return value;
}

class TokenizerCommand : public Command {
 public:
  void declare(Options& options) override {
    options.positional("ACTION", action_, "train, encode or decode");
    options.positional("KIND", kind_, "train: wordpiece, bpe or char", true);
    options.values("--data", data_,
                   "train: a text file, plain or .gz, or a folder of them; may be given more than "
                   "once",
                   "PLACE");
    options.value("--vocab", vocabulary_,
                  "train: tokens, special ones included; 30000 unless given", "N");
    options.value("--out", out_, "train: where the tokenizer goes, for hf:FILE", "FILE");
    options.value("--case", case_, "train wordpiece: lower (unless given) or keep", "CASE");
    options.value("--least", least_,
                  "train: pairs that occur less often are not merged; 2 unless given", "N");
    options.value("--tokenizer", spec_,
                  "encode, decode: wordpiece:vocab.txt, bpe:DIR or hf:tokenizer.json", "SPEC");
    options.flag(
        "--special", special_,
        "encode: [CLS], [SEP] and the special tokens that the text spells; decode: spell them");
    options.flag("--offsets", offsets_,
                 "encode: id:begin-end, the bytes of the line that a token stands for");
    options.value("--threads", threads_, "0, or not given: one a core", "N");
  }

  int run() override {
    if (!threads_.empty())
      if (const std::int64_t n = whole_number("--threads", threads_); n > 0)
        cpu::set_threads(static_cast<int>(std::min<std::int64_t>(n, 1 << 20)));
    const std::vector<std::string> actions = {"train", "encode", "decode"};
    LACUNA_CHECK(action_ == "train" || kind_.empty(), "usage", "tokenizer ", action_,
                 " takes standard input and no \"", kind_, "\"");
    if (action_ == "train") return train();
    if (action_ == "encode") return encode();
    if (action_ == "decode") return decode();
    fail("usage", "no action \"", action_, "\"", suggestion(action_, actions),
         "; there are: train, encode, decode");
  }

  std::string more_help() override {
    return "\nA line of standard input gives a line of output; ids are decimal numbers with blanks "
           "between.\n"
           "  lacuna tokenizer train bpe --vocab 8000 --data text.txt --out tokenizer.json\n"
           "  lacuna tokenizer encode --tokenizer hf:tokenizer.json <text.txt >ids.txt\n"
           "  lacuna tokenizer decode --tokenizer hf:tokenizer.json <ids.txt\n";
  }

 private:
  int train() {
    LACUNA_CHECK(!kind_.empty(), "usage", "KIND is missing: wordpiece, bpe or char");
    LACUNA_CHECK(!data_.empty(), "usage", "--data PLACE is missing: the text to learn from");
    LACUNA_CHECK(!out_.empty(), "usage", "--out FILE is missing: where the tokenizer is to go");
    LACUNA_CHECK(case_ == "lower" || case_ == "keep", "usage",
                 "--case must be lower or keep: got \"", case_, '"');
    TrainOptions o;
    o.vocabulary = whole_number("--vocab", vocabulary_);
    o.least = whole_number("--least", least_);
    o.keep_case = case_ == "keep";
    const auto tokenizer = train_tokenizer_on_files(kind_, data_, o);
    tokenizer->save(out_);
    fmt::print("{}: {} tokens\n", out_, tokenizer->vocabulary().size);
    return 0;
  }

  std::shared_ptr<const Tokenizer> open() const {
    LACUNA_CHECK(!spec_.empty(), "usage",
                 "--tokenizer SPEC is missing: wordpiece:vocab.txt, bpe:DIR or hf:tokenizer.json");
    return open_tokenizer(spec_);
  }

  int encode() {
    const auto tokenizer = open();
    convert_lines([&](const std::string& line, std::int64_t number, std::string& out) {
      try {
        if (!special_ && !offsets_) {
          const char* blank = "";
          for (std::int32_t id : tokenizer->ids(line)) {
            out += blank;
            append_number(out, id);
            blank = " ";
          }
          return;
        }
        const char* blank = "";
        for (const Token& t :
             special_ ? tokenizer->encode_special(line) : tokenizer->encode(line)) {
          out += blank;
          append_number(out, t.id);
          blank = " ";
          if (!offsets_) continue;
          out += ':';
          append_number(out, t.begin);
          out += '-';
          append_number(out, t.end);
        }
      } catch (const Error& e) {
        fail_in_line(number, e);
      }
    });
    return 0;
  }

  int decode() {
    LACUNA_CHECK(!offsets_, "usage", "--offsets is for encode");
    const auto tokenizer = open();
    convert_lines([&](const std::string& line, std::int64_t number, std::string& out) {
      try {
        const std::vector<std::int32_t> ids = parse_ids(line);
        out += special_ ? tokenizer->decode_special(ids) : tokenizer->decode(ids);
      } catch (const Error& e) {
        fail_in_line(number, e);
      }
    });
    return 0;
  }

  std::string action_, kind_, vocabulary_ = "30000", out_, case_ = "lower", least_ = "2", spec_,
                              threads_;
  std::vector<std::string> data_;
  bool special_ = false, offsets_ = false;
};

}  // namespace

extern const CommandInfo tokenizer_command{
    "tokenizer", "train, encode, decode: text to numbers and back", make_command<TokenizerCommand>};

}  // namespace lacuna::tools
