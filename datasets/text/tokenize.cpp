#include "tokenize.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "../../core/files.h"
#include "../../kernels/cpu/parallel.h"
#include "../../kernels/random.h"
#include "utf8.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
constexpr const char* kTokenizeOp = "text";
constexpr int kVersion = 1;  // of what the cache holds

// Holds a lock on a file of its own while it lives, so that two runs do not tokenize the same text at once.
class Lock {
 public:
  explicit Lock(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail_io(kTokenizeOp, "create", path, errno);
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Lock() { ::close(descriptor_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_;
};

// An array on disk, written in order.
template <class T>
class Column {
 public:
  explicit Column(const std::string& path) : file_(path) {}
  void push(T value) {
    buffer_.push_back(value);
    count_++;
    if (buffer_.size() == kBuffer) flush();
  }
  std::int64_t count() const { return count_; }
  void commit() {
    flush();
    file_.commit();
  }

 private:
  static constexpr std::size_t kBuffer = std::size_t{1} << 17;
  void flush() {
    file_.write(buffer_.data(), buffer_.size() * sizeof(T));
    buffer_.clear();
  }
  AtomicFile file_;
  std::vector<T> buffer_;
  std::int64_t count_ = 0;
};

struct Encoded {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> sentences;  // the first token of each
  std::exception_ptr error;
};

Encoded encode(const TextPiece& piece, const std::string& file, const Tokenizer& tokenizer,
               SentenceEnds ends, std::int64_t vocabulary) {
  Encoded out;
  text::check_utf8(kTokenizeOp, file, piece.text, static_cast<std::size_t>(piece.offset));
  const std::vector<Token> tokens = tokenizer.encode(piece.text);
  out.ids.reserve(tokens.size());
  for (const Token& t : tokens) {
    LACUNA_CHECK(t.id >= 0 && t.id < vocabulary, kTokenizeOp,
                 "the tokenizer's tokens must be 0 to ", vocabulary - 1, ": got ", t.id);
    out.ids.push_back(t.id);
  }
  std::size_t k = 0;
  for (std::int64_t start : sentence_starts(piece.text, ends)) {
    while (k < tokens.size() && tokens[k].end <= start) k++;
    const auto at = static_cast<std::int64_t>(k);
    if (k < tokens.size() && (out.sentences.empty() || out.sentences.back() < at))
      out.sentences.push_back(at);
  }
  return out;
}

// Takes pieces in order and writes the corpus.
template <class T>
class Writer {
 public:
  Writer(const std::string& stem, const Tokenizer& tokenizer, const std::vector<std::string>& files,
         SentenceEnds ends)
      : tokenizer_(tokenizer),
        files_(files),
        ends_(ends),
        vocabulary_(tokenizer.vocabulary()),
        tokens_(stem + ".tokens"),
        documents_(stem + ".documents"),
        sentences_(stem + ".sentences") {}

  void take(const std::vector<TextPiece>& pieces) {
    std::vector<Encoded> all(pieces.size());
    cpu::parallel_for(
        static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; i++) {
            try {
              all[i] =
                  encode(pieces[i], files_[pieces[i].file], tokenizer_, ends_, vocabulary_.size);
            } catch (...) {
              all[i].error = std::current_exception();
            }
          }
        });
    for (std::size_t i = 0; i < all.size(); i++) {
      if (all[i].error) std::rethrow_exception(all[i].error);  // the first in the text
      append(all[i], pieces[i].starts_document);
    }
  }

  // Returns the number of tokens, documents and sentences.
  std::array<std::int64_t, 3> commit() {
    end_document();
    const std::int64_t documents = documents_.count();
    documents_.push(tokens_.count());
    tokens_.commit();
    documents_.commit();
    sentences_.commit();
    return {tokens_.count(), documents, sentences_.count()};
  }

 private:
  void end_document() {
    if (open_ && vocabulary_.end >= 0) tokens_.push(static_cast<T>(vocabulary_.end));
    open_ = false;
  }

  void append(const Encoded& piece, bool starts_document) {
    if (starts_document) end_document();
    if (piece.ids.empty()) return;
    if (!open_) documents_.push(tokens_.count());
    open_ = true;
    for (std::int64_t s : piece.sentences) sentences_.push(tokens_.count() + s);
    for (std::int32_t id : piece.ids) tokens_.push(static_cast<T>(id));
  }

  const Tokenizer& tokenizer_;
  const std::vector<std::string>& files_;
  SentenceEnds ends_;
  Vocabulary vocabulary_;
  Column<T> tokens_;
  Column<std::int64_t> documents_, sentences_;
  bool open_ = false;  // the last document has tokens and may get more
};

template <class T>
nlohmann::json write_corpus(const std::string& stem, const std::vector<std::string>& files,
                            const Tokenizer& tokenizer, const TokenizeOptions& options) {
  Writer<T> writer(stem, tokenizer, files, options.sentences);
  const std::int64_t batch = std::int64_t{4} * cpu::threads() << 20;
  const TextFacts facts =
      read_documents(files, options.documents, batch,
                     [&](std::vector<TextPiece>&& pieces) { writer.take(pieces); });
  const auto [tokens, documents, sentences] = writer.commit();
  return {{"version", kVersion},
          {"width", sizeof(T)},
          {"tokens", tokens},
          {"documents", documents},
          {"sentences", sentences},
          {"bytes", facts.bytes},
          {"longest_line", facts.longest_line}};
}

std::string stem_of(const std::vector<std::string>& files, const Tokenizer& tokenizer,
                    const TokenizeOptions& options, const std::string& folder) {
  std::string key = std::to_string(kVersion) + ' ' +
                    std::to_string(static_cast<int>(options.documents)) + ' ' +
                    std::to_string(static_cast<int>(options.sentences)) + '\n';
  for (const auto& file : files) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0) fail_io(kTokenizeOp, "read", file, errno);
    key += fs::absolute(file).lexically_normal().string() + ' ' + std::to_string(about.st_size) +
           ' ' + std::to_string(about.st_mtim.tv_sec) + '.' +
           std::to_string(about.st_mtim.tv_nsec) + '\n';
  }
  key += tokenizer.to_json();
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016" PRIx64, mix64(stream_of(key)));
  return folder + '/' + fs::path(files[0]).stem().string() + '-' + hash;
}

template <class T>
std::span<const T> column(const MappedFile& file, std::int64_t count) {
  LACUNA_CHECK(file.bytes().size() == static_cast<std::size_t>(count) * sizeof(T), kTokenizeOp,
               "a token file in the cache was changed: remove the folder");
  return {reinterpret_cast<const T*>(file.bytes().data()), static_cast<std::size_t>(count)};
}

Corpus map_corpus(const std::string& stem, const nlohmann::json& facts, Vocabulary vocabulary) {
  struct Memory {
    MappedFile tokens, documents, sentences;
  };
  const auto memory = std::shared_ptr<Memory>(new Memory{MappedFile(stem + ".tokens"),
                                                         MappedFile(stem + ".documents"),
                                                         MappedFile(stem + ".sentences")});
  const auto number = [&](const char* name) { return facts.at(name).get<std::int64_t>(); };
  Corpus c;
  c.vocabulary = vocabulary;
  c.tokens = number("width") == 2
                 ? TokenSpan(column<std::uint16_t>(memory->tokens, number("tokens")))
                 : TokenSpan(column<std::uint32_t>(memory->tokens, number("tokens")));
  c.documents = column<std::int64_t>(memory->documents, number("documents") + 1);
  c.sentences = column<std::int64_t>(memory->sentences, number("sentences"));
  c.bytes = number("bytes");
  c.longest_line = number("longest_line");
  c.memory = memory;
  return c;
}

}  // namespace

std::string default_token_cache() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (const auto own = variable("LACUNA_CACHE"); !own.empty()) return own;
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache + "/lacuna";
  if (const auto home = variable("HOME"); !home.empty()) return home + "/.cache/lacuna";
  return (fs::temp_directory_path() / "lacuna").string();
}

Corpus tokenize_files(const std::vector<std::string>& files, const Tokenizer& tokenizer,
                      const TokenizeOptions& options) {
  LACUNA_CHECK(!files.empty(), kTokenizeOp, "needs a file");
  const std::string folder = options.cache.empty() ? default_token_cache() : options.cache;
  std::error_code error;
  fs::create_directories(folder, error);
  LACUNA_CHECK(!error, kTokenizeOp, "the folder for token files must be writable: ", folder, ": ",
               error.message());
  const std::string stem = stem_of(files, tokenizer, options, folder);
  Vocabulary vocabulary = tokenizer.vocabulary();
  vocabulary.continues = tokenizer.continues();
  const Lock lock(stem + ".lock");
  nlohmann::json facts;
  if (fs::exists(stem + ".json"))
    facts = nlohmann::json::parse(read_file(stem + ".json"), nullptr, false);
  if (!facts.is_object()) {
    facts = vocabulary.size <= 65536 ? write_corpus<std::uint16_t>(stem, files, tokenizer, options)
                                     : write_corpus<std::uint32_t>(stem, files, tokenizer, options);
    write_file(stem + ".json", facts.dump() + "\n");
  }
  Corpus corpus = map_corpus(stem, facts, vocabulary);
  corpus.name = "text:" + files[0] + (files.size() > 1 ? " ..." : "");
  LACUNA_CHECK(corpus.tokens.size() > 0, kTokenizeOp,
               "the text must not be empty: got no token in ", corpus.name);
  return corpus;
}

}  // namespace lacuna
