#pragma once
// Text files as pieces of documents, read from front to back in bounded memory.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../kernels/error.h"

namespace lacuna {

/// Where a document ends.
///   file      with its file
///   blank     at lines of nothing but white space, which belong to none
///   heading   before WikiText's " = Title = " (not at " = = Section = = ")
enum class DocumentEnds { file, blank, heading };

/// The file itself, or what is in a folder and the folders in it, in order of their paths: .txt, .text, .md and the
/// same with .gz. Fails where there is none.
std::vector<std::string> text_files(const std::string& place);

/// The bytes of a file, unpacked where it is gzip data. Fails on gzip data that is damaged or cut off.
class TextStream {
 public:
  explicit TextStream(const std::string& path);
  ~TextStream();
  TextStream(const TextStream&) = delete;
  TextStream& operator=(const TextStream&) = delete;
  /// Up to `count` bytes; fewer only at the end.
  std::size_t read(char* to, std::size_t count);

 private:
  std::string path_;
  void* file_;  // zlib's, which reads plain files, too
};

/// All of a file, of at most 4 GiB; fails where it is not UTF-8. A byte order mark is left out.
std::string read_text(const std::string& path);

/// A part of one document, valid UTF-8. A document with more than a megabyte comes in several, cut before a newline
/// that follows a blank line, or else any, so that tokens are the same as those of the whole: no tokenizer joins a line's last newline to
/// a word.
struct TextPiece {
  std::string text;
  bool starts_document = false;
  std::size_t file = 0;     // number of the file
  std::int64_t offset = 0;  // of the text in the file, unpacked
};

struct TextFacts {
  std::int64_t bytes = 0, longest_line = 0;
};

/// Calls `take` with pieces of together about `batch` bytes, in order, until the files are read. Documents of nothing
/// but white space are left out, and where documents end with lines, the white space around each. Pieces are not yet
/// known to be UTF-8. Fails on a line of more than 64 MiB.
TextFacts read_documents(const std::vector<std::string>& files, DocumentEnds ends,
                         std::int64_t batch,
                         const std::function<void(std::vector<TextPiece>&&)>& take);

}  // namespace lacuna
