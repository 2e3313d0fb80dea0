#include "text_files.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "../../core/files.h"
#include "utf8.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
constexpr const char* kTextFilesOp = "text";
constexpr std::size_t kLongestLine = std::size_t{64} << 20;
constexpr std::size_t kGoodPiece = std::size_t{1} << 18, kLargePiece = std::size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

bool is_heading(std::string_view line) {
  line = trimmed(line);
  return line.size() >= 5 && line.substr(0, 2) == "= " && line.substr(2, 2) != "= " &&
         line.substr(line.size() - 2) == " =";
}

bool is_text_name(fs::path path) {
  if (path.filename().string()[0] == '.') return false;
  if (path.extension() == ".gz") path = path.stem();
  const std::string ending = path.extension().string();
  return ending == ".txt" || ending == ".text" || ending == ".md";
}

// Lines of the files, joined to pieces.
class Pieces {
 public:
  Pieces(DocumentEnds ends, std::int64_t batch,
         const std::function<void(std::vector<TextPiece>&&)>& take)
      : ends_(ends), batch_(batch), take_(take) {}

  void start_file(std::size_t file) {
    file_ = file;
    start_document();
  }

  // A line with its newline, which lies at `offset`.
  void add(std::string_view line, std::int64_t offset) {
    const bool blank = trimmed(line).empty();
    facts.bytes += static_cast<std::int64_t>(line.size());
    facts.longest_line = std::max(facts.longest_line, static_cast<std::int64_t>(line.size()));
    if (ends_ == DocumentEnds::blank && blank) {
      start_document();
      return;
    }
    if (ends_ == DocumentEnds::heading && is_heading(line)) start_document();
    const std::size_t size = piece_.text.size();
    const bool wanted = size >= kLargePiece || (size >= kGoodPiece && after_blank_);
    if (wanted && line[0] > ' ' && line[0] < 0x7f && piece_.text.back() == '\n') {
      piece_.text.pop_back();
      close();
      piece_.text = '\n';
      piece_.offset = offset - 1;
    }
    if (piece_.text.empty()) piece_.offset = offset;
    piece_.text += line;
    after_blank_ = blank;
  }

  void finish() {
    start_document();
    if (!full_.empty()) take_(std::move(full_));
  }

  TextFacts facts;

 private:
  void start_document() {
    close();
    starts_ = true;
  }

  // Hands the piece on, if it has something.
  void close() {
    TextPiece piece = std::exchange(piece_, {});
    after_blank_ = false;
    if (trimmed(piece.text).empty() && (starts_ || ends_ != DocumentEnds::file)) return;
    if (ends_ != DocumentEnds::file && starts_) {
      const std::size_t front = trimmed(piece.text).data() - piece.text.data();
      piece.text.erase(0, front);
      piece.offset += static_cast<std::int64_t>(front);
    }
    if (ends_ != DocumentEnds::file)
      while (is_space(piece.text.back())) piece.text.pop_back();
    piece.starts_document = std::exchange(starts_, false);
    piece.file = file_;
    size_ += static_cast<std::int64_t>(piece.text.size());
    full_.push_back(std::move(piece));
    if (size_ < batch_) return;
    size_ = 0;
    take_(std::exchange(full_, {}));
  }

  DocumentEnds ends_;
  std::int64_t batch_;
  const std::function<void(std::vector<TextPiece>&&)>& take_;
  std::size_t file_ = 0;
  TextPiece piece_;
  bool starts_ = true, after_blank_ = false;
  std::vector<TextPiece> full_;
  std::int64_t size_ = 0;
};

}  // namespace

std::vector<std::string> text_files(const std::string& place) {
  std::error_code error;
  if (!fs::is_directory(place, error)) return {place};
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator it(place, error), end; !error && it != end;
       it.increment(error))
    if (std::error_code ignored; is_text_name(it->path()) && it->is_regular_file(ignored))
      files.push_back(it->path().string());
  LACUNA_CHECK(!error, kTextFilesOp, "the folder must be readable: ", place, ": ", error.message());
  LACUNA_CHECK(!files.empty(), kTextFilesOp,
               "needs .txt, .text or .md files, plain or .gz: found none in ", place);
  std::sort(files.begin(), files.end());
  return files;
}

TextStream::TextStream(const std::string& path) : path_(path) {
  { const MappedFile readable(path); }  // says what is wrong with folders, pipes and missing files
  errno = 0;
  file_ = ::gzopen(path.c_str(), "rb");
  if (!file_) fail_io(kTextFilesOp, "open", path, errno ? errno : ENOMEM);
  ::gzbuffer(static_cast<gzFile>(file_), 1 << 18);
}

TextStream::~TextStream() { ::gzclose(static_cast<gzFile>(file_)); }

std::size_t TextStream::read(char* to, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const auto want = static_cast<unsigned>(std::min(count - done, std::size_t{1} << 30));
    const int got = ::gzread(static_cast<gzFile>(file_), to + done, want);
    int code = Z_OK;
    const char* what = ::gzerror(static_cast<gzFile>(file_), &code);
    if (code == Z_ERRNO) fail_io(kTextFilesOp, "read", path_, errno);
    LACUNA_CHECK(got >= 0 && code != Z_BUF_ERROR, kTextFilesOp,
                 "gzip data must be whole and valid: ",
                 code == Z_BUF_ERROR ? "it ends too early" : what, " in ", path_);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::string read_text(const std::string& path) {
  TextStream stream(path);
  std::string text;
  for (std::size_t chunk = std::size_t{1} << 20;; chunk *= 2) {
    const std::size_t before = text.size();
    text.resize(before + chunk);
    text.resize(before + stream.read(text.data() + before, chunk));
    LACUNA_CHECK(text.size() <= std::size_t{4} << 30, kTextFilesOp,
                 "a file read whole has at most 4 GiB: ", path);
    if (text.size() < before + chunk) break;
  }
  text::check_utf8(kTextFilesOp, path, text);
  if (text.compare(0, 3, kByteOrderMark) == 0) text.erase(0, 3);
  return text;
}

TextFacts read_documents(const std::vector<std::string>& files, DocumentEnds ends,
                         std::int64_t batch,
                         const std::function<void(std::vector<TextPiece>&&)>& take) {
  Pieces pieces(ends, batch, take);
  std::string buffer;
  for (std::size_t f = 0; f < files.size(); f++) {
    TextStream stream(files[f]);
    pieces.start_file(f);
    buffer.clear();
    std::int64_t offset = 0;  // of the buffer's first byte
    for (bool more = true; more;) {
      constexpr std::size_t kRead = std::size_t{1} << 20;
      const std::size_t before = buffer.size();
      buffer.resize(before + kRead);
      const std::size_t got = stream.read(buffer.data() + before, kRead);
      buffer.resize(before + got);
      more = got == kRead;
      std::size_t begin = 0;
      if (offset == 0 && before == 0 && buffer.compare(0, 3, kByteOrderMark) == 0) begin = 3;
      for (std::size_t from = std::max(begin, before); begin < buffer.size();) {
        const std::size_t newline = buffer.find('\n', from);
        if (newline == std::string::npos && more) break;
        const std::size_t end = newline == std::string::npos ? buffer.size() : newline + 1;
        pieces.add(std::string_view(buffer).substr(begin, end - begin),
                   offset + static_cast<std::int64_t>(begin));
        begin = from = end;
      }
      buffer.erase(0, begin);
      offset += static_cast<std::int64_t>(begin);
      LACUNA_CHECK(buffer.size() <= kLongestLine, kTextFilesOp,
                   "a line has at most 64 MiB: got more at byte ", offset, " of ", files[f]);
    }
  }
  pieces.finish();
  return pieces.facts;
}

}  // namespace lacuna
