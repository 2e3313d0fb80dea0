#include "token_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <mutex>

#include "../../core/files.h"
#include "../../kernels/cpu/parallel.h"

namespace lacuna {
namespace {

static_assert(std::endian::native == std::endian::little, "token files are mapped as they are");

constexpr const char* kTokenFileOp = "tokens";
constexpr std::size_t kHeader = 256;  // words
constexpr std::size_t kHeaderBytes = kHeader * sizeof(std::int32_t);

struct Format {
  std::int32_t magic, version;
  std::size_t width;  // bytes of a token
};
constexpr Format kGpt2{20240520, 1, 2}, kLlama3{20240801, 7, 4};

template <class T>
std::span<const T> tokens_at(std::string_view bytes, std::size_t from) {
  return {reinterpret_cast<const T*>(bytes.data() + from), (bytes.size() - from) / sizeof(T)};
}

// The documents of a text without a list of them.
std::vector<std::int64_t> documents_of(const TokenSpan& tokens, std::int64_t end_token) {
  constexpr std::int64_t kPiece = 1 << 20;
  const std::int64_t n = tokens.size();
  std::vector<std::vector<std::int64_t>> found((n + kPiece - 1) / kPiece);
  if (end_token >= 0)
    cpu::parallel_for(n, kPiece, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; i++)
        if (tokens[i] == end_token) found[begin / kPiece].push_back(i);
    });
  std::vector<std::int64_t> documents;
  std::int64_t begin = 0;
  const auto close = [&](std::int64_t end) {  // one of nothing but end tokens is none
    if (end > begin && (end > begin + 1 || tokens[begin] != end_token)) documents.push_back(begin);
    begin = end;
  };
  for (const auto& piece : found)
    for (std::int64_t at : piece) close(at + 1);
  close(n);
  documents.push_back(n);
  return documents;
}

std::int64_t largest_of(const TokenSpan& tokens) {
  std::int64_t largest = 0;
  std::mutex mutex;
  cpu::parallel_for(tokens.size(), 1 << 20, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t mine = 0;
    for (std::int64_t i = begin; i < end; i++) mine = std::max(mine, tokens[i]);
    std::lock_guard lock(mutex);
    largest = std::max(largest, mine);
  });
  return largest;
}

}  // namespace

TokenSpan parse_tokens(std::string_view bytes, const std::string& name) {
  std::array<std::int32_t, 3> header{};
  if (!bytes.empty())  // memcpy takes no null pointer, not even for nothing
    std::memcpy(header.data(), bytes.data(), std::min(bytes.size(), sizeof header));
  const bool is_gpt2 = header[0] == kGpt2.magic, is_llama3 = header[0] == kLlama3.magic;
  if (!is_gpt2 && !is_llama3) {
    LACUNA_CHECK(bytes.size() % 2 == 0, kTokenFileOp,
                 "a file of u16 has an even number of bytes: got ", bytes.size(), " in ", name);
    return TokenSpan(tokens_at<std::uint16_t>(bytes, 0));
  }
  const Format& format = is_gpt2 ? kGpt2 : kLlama3;
  LACUNA_CHECK(bytes.size() >= kHeaderBytes, kTokenFileOp,
               "the header of llm.c has 1024 bytes: got ", bytes.size(), " in ", name);
  LACUNA_CHECK(header[1] == format.version, kTokenFileOp, "the version must be ", format.version,
               " with magic ", format.magic, ": got ", header[1], " in ", name);
  const std::size_t count = (bytes.size() - kHeaderBytes) / format.width;
  LACUNA_CHECK(header[2] >= 0 && static_cast<std::size_t>(header[2]) == count &&
                   (bytes.size() - kHeaderBytes) % format.width == 0,
               kTokenFileOp, "the header says ", header[2], " tokens of ", format.width,
               " bytes, but the file has ", bytes.size() - kHeaderBytes,
               " bytes behind it: ", name);
  return is_gpt2 ? TokenSpan(tokens_at<std::uint16_t>(bytes, kHeaderBytes))
                 : TokenSpan(tokens_at<std::uint32_t>(bytes, kHeaderBytes));
}

Corpus open_tokens(const std::string& path, Vocabulary vocabulary) {
  struct Memory {
    MappedFile file;
    std::vector<std::int64_t> documents;
    explicit Memory(const std::string& path) : file(path) {}
  };
  auto memory = std::make_shared<Memory>(path);
  Corpus c;
  c.name = "tokens:" + path;
  c.tokens = parse_tokens(memory->file.bytes(), path);
  LACUNA_CHECK(c.tokens.size() > 0, kTokenFileOp, "the file must have tokens: got none in ", path);
  if (vocabulary.size == 0) vocabulary.size = largest_of(c.tokens) + 1;
  c.vocabulary = vocabulary;
  memory->documents = documents_of(c.tokens, vocabulary.end);
  LACUNA_CHECK(memory->documents.size() > 1, kTokenFileOp, "nothing but end tokens in ", path);
  c.documents = memory->documents;
  c.memory = std::move(memory);
  return c;
}

void write_tokens(const std::string& path, const Corpus& corpus, TokenFormat format) {
  const bool wide = corpus.vocabulary.size > 65536;
  LACUNA_CHECK(!wide || format == TokenFormat::llm_c, kTokenFileOp,
               "nanoGPT's format holds tokens below 65,536: got a vocabulary of ",
               corpus.vocabulary.size, " (llm.c's format holds it)");
  const std::int64_t n = corpus.tokens.size();
  AtomicFile file(path);
  if (format == TokenFormat::llm_c) {
    LACUNA_CHECK(n <= INT32_MAX, kTokenFileOp,
                 "llm.c's header counts up to 2,147,483,647 tokens: got ", n);
    const Format& f = wide ? kLlama3 : kGpt2;
    std::array<std::int32_t, kHeader> header{f.magic, f.version, static_cast<std::int32_t>(n)};
    file.write(header.data(), kHeaderBytes);
  }
  constexpr std::int64_t kPiece = 1 << 18;
  std::vector<std::int64_t> ids(kPiece);
  std::vector<std::uint16_t> narrow(kPiece);
  std::vector<std::uint32_t> broad(kPiece);
  for (std::int64_t begin = 0; begin < n; begin += kPiece) {
    const std::int64_t count = std::min(kPiece, n - begin);
    corpus.tokens.copy(begin, begin + count, ids.data());
    corpus.check_tokens({ids.data(), static_cast<std::size_t>(count)}, begin);
    for (std::int64_t i = 0; i < count; i++) {
      narrow[i] = static_cast<std::uint16_t>(ids[i]);
      broad[i] = static_cast<std::uint32_t>(ids[i]);
    }
    if (wide)
      file.write(broad.data(), count * sizeof(std::uint32_t));
    else
      file.write(narrow.data(), count * sizeof(std::uint16_t));
  }
  file.commit();
}

}  // namespace lacuna
