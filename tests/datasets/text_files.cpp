// text: and tokens: from files to samples.
#include <zlib.h>

#include <cmath>
#include <map>

#include "../../core/files.h"
#include "../../datasets/spec.h"
#include "../../datasets/text/sources.h"
#include "../../datasets/text/summary.h"
#include "../../datasets/text/token_file.h"
#include "../../datasets/text/tokenize.h"
#include "../../kernels/cpu/parallel.h"
#include "text.h"

namespace lacuna::test {
namespace {

std::string gzip(const std::string& text) {
  Folder folder;
  gzFile file = gzopen((folder / "x.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return read_file(folder / "x.gz");
}

// The text of each document, as its tokens say it, and the text of each sentence.
struct Said {
  std::vector<std::string> documents, sentences;
};
Said said(const Corpus& c, const Tokenizer& tokenizer) {
  Said out;
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < c.tokens.size(); i++)
    ids.push_back(static_cast<std::int32_t>(c.tokens[i]));
  std::size_t s = 0;
  for (std::int64_t d = 0; d < c.document_count(); d++) {
    const std::int64_t end = c.content_end(d);
    out.documents.push_back(
        tokenizer.decode(std::span(ids).subspan(c.documents[d], end - c.documents[d])));
    for (; s < c.sentences.size() && c.sentences[s] < end; s++) {
      const std::int64_t next =
          s + 1 < c.sentences.size() ? std::min(end, c.sentences[s + 1]) : end;
      out.sentences.push_back(
          tokenizer.decode(std::span(ids).subspan(c.sentences[s], next - c.sentences[s])));
    }
  }
  return out;
}

using Texts = std::vector<std::string>;

// BPE of single bytes: 256 tokens and <|endoftext|>.
std::shared_ptr<const Tokenizer> byte_tokenizer() { return learned_tokenizer("bpe", "x", 257); }

}  // namespace

TEST(text_files, documents_end_where_asked) {
  Folder folder;
  const std::string text =
      "\n = One = \n \nIt is. It was.\nStill one\n\n = = Part = = \n More .\n\n = Two = \nEnd.";
  folder.write("a.txt", text);
  const auto tokenizer = byte_tokenizer();
  const auto open = [&](DocumentEnds ends) {
    TokenizeOptions o;
    o.documents = ends;
    o.cache = folder / "cache";
    return said(tokenize_files({folder / "a.txt"}, *tokenizer, o), *tokenizer);
  };
  const Said file = open(DocumentEnds::file);
  EXPECT_EQ(file.documents, (Texts{text}));
  EXPECT_EQ(
      open(DocumentEnds::blank).documents,
      (Texts{"= One =", "It is. It was.\nStill one", "= = Part = = \n More .", "= Two = \nEnd."}));
  EXPECT_EQ(open(DocumentEnds::heading).documents,
            (Texts{"= One = \n \nIt is. It was.\nStill one\n\n = = Part = = \n More .",
                   "= Two = \nEnd."}));
  EXPECT_EQ(open(DocumentEnds::blank).sentences,
            (Texts{"= One =", "It is. ", "It was.\n", "Still one", "= = Part = = \n More .",
                   "= Two = \nEnd."}));
}

TEST(text_files, folders_gzip_and_byte_order_marks) {
  Folder folder;
  folder.write("t/b.txt", "\xEF\xBB\xBFSecond\r\n");
  folder.write("t/a/z.txt.gz", gzip("First\n"));
  folder.write("t/empty.txt", "");
  folder.write("t/.hidden.txt", "no");
  folder.write("t/picture.png", "no");
  const auto tokenizer = byte_tokenizer();
  TextOptions o;
  o.cache = folder / "cache";
  o.tokenizer = tokenizer;
  const Corpus c = open_corpus(parse_spec("text:" + folder / "t"), true, o);
  EXPECT_EQ(said(c, *tokenizer).documents, (Texts{"First\n", "Second\r\n"}));
  EXPECT_EQ(c.tokens.size(), 6 + 8 + 2);
  EXPECT_EQ(c.tokens[6], c.vocabulary.end);
}

TEST(text_files, pieces_and_threads_change_no_token) {
  Folder folder;
  std::string text;  // several megabytes, with paragraphs, in one document
  for (int i = 0; text.size() < 3'000'000; i++)
    text += "Line " + std::to_string(i * 7919) + (i % 9 == 0 ? ".\n\n" : i % 4 ? "\n" : ". And\n");
  folder.write("long.txt", text);
  const std::string_view sample = std::string_view(text).substr(0, 100000);
  for (const char* kind : {"bpe", "char", "wordpiece"}) {
    const auto tokenizer = learned_tokenizer(kind, sample, 300);
    const std::vector<std::int32_t> whole = tokenizer->ids(text);
    for (const int threads : {1, 3}) {
      const int before = cpu::threads();
      cpu::set_threads(threads);
      TokenizeOptions o;
      o.cache = folder / ("cache" + std::to_string(threads));
      const Corpus c = tokenize_files({folder / "long.txt"}, *tokenizer, o);
      cpu::set_threads(before);
      ASSERT_EQ(c.document_count(), 1);
      ASSERT_EQ(c.content_end(0), static_cast<std::int64_t>(whole.size())) << kind;
      for (std::size_t i = 0; i < whole.size(); i++) ASSERT_EQ(c.tokens[i], whole[i]) << kind << i;
      EXPECT_EQ(c.sentences.size(), sentence_starts(text, SentenceEnds::rules).size());
      EXPECT_EQ(c.bytes, static_cast<std::int64_t>(text.size()));
    }
  }
}

TEST(text_files, the_cache_is_used_until_something_changes) {
  Folder folder;
  const std::string path = folder.write("a.txt", "One two. Three.\n");
  const auto tokenizer = byte_tokenizer();
  TokenizeOptions o;
  o.cache = folder / "cache";
  const auto files = [&] {
    std::map<std::string, std::filesystem::file_time_type> times;
    for (const auto& f : std::filesystem::directory_iterator(o.cache))
      if (f.path().extension() == ".tokens") times[f.path()] = f.last_write_time();
    return times;
  };
  tokenize_files({path}, *tokenizer, o);
  const auto first = files();
  ASSERT_EQ(first.size(), 1u);
  tokenize_files({path}, *tokenizer, o);
  EXPECT_EQ(files(), first);
  tokenize_files({path}, *train_characters("One two. Three.\n"), o);
  EXPECT_EQ(files().size(), 2u);
  o.documents = DocumentEnds::blank;
  tokenize_files({path}, *tokenizer, o);
  EXPECT_EQ(files().size(), 3u);
  folder.write("a.txt", "One two. Three!!\n");
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  const Corpus changed = tokenize_files({path}, *tokenizer, o);
  EXPECT_EQ(said(changed, *tokenizer).documents, (Texts{"One two. Three!!"}));
  std::filesystem::resize_file(files().begin()->first, 3);  // tampered with: not silently wrong
  int complaints = 0;
  for (const auto ends : {DocumentEnds::file, DocumentEnds::blank}) {
    o.documents = ends;
    for (const auto& t : {tokenizer, train_characters("One two. Three.\n")})
      complaints +=
          error_of([&] { tokenize_files({path}, *t, o); }).find("was changed") != std::string::npos;
  }
  EXPECT_LE(complaints, 1);
}

TEST(text_files, what_is_wrong) {
  Folder folder;
  TextOptions o;
  o.cache = folder / "cache";
  o.tokenizer = byte_tokenizer();
  o.view.kind = TextView::Kind::windows;
  o.view.length = 4;
  const auto error = [&](const std::string& spec) {
    return error_of([&] { open_source(spec, "train", o); });
  };
  const std::string bad = folder.write("bad.txt", std::string("Good\n\nbad \xE9t\xE9\n"));
  EXPECT_EQ(error("text:" + bad), "[text] " + bad + " must be UTF-8: got 0xe9 at byte 10");
  EXPECT_EQ(error("text:" + bad + "?documents=blank"),
            "[text] " + bad + " must be UTF-8: got 0xe9 at byte 10");
  const std::string empty = folder.write("empty.txt", std::string(" \n\n"));
  EXPECT_EQ(error("text:" + empty + "?documents=blank"),
            "[text] the text must not be empty: got no token in text:" + empty);
  EXPECT_NE(error("text:" + folder / "none.txt").find("No such file"), std::string::npos);
  std::filesystem::create_directory(folder / "bare");
  EXPECT_NE(error("text:" + folder / "bare").find("found none in"), std::string::npos);
  const std::string zipped = gzip(std::string(5000, 'x') + "\n");
  const std::string torn = folder.write("torn.txt.gz", zipped.substr(0, zipped.size() / 2));
  EXPECT_EQ(error("text:" + torn),
            "[text] gzip data must be whole and valid: it ends too early in " + torn);
  EXPECT_NE(error("text:" + empty + "?documents=page")
                .find("documents must be one of file, blank, heading: got \"page\""),
            std::string::npos);
  EXPECT_NE(error("text:" + empty + "?test=2").find("above 0 and below 1"), std::string::npos);
  o.tokenizer = nullptr;
  EXPECT_NE(error("text:" + empty).find("needs a tokenizer"), std::string::npos);
}

TEST(token_file, both_formats_come_back_as_they_were) {
  Folder folder;
  const Corpus corpus = counted_corpus({{3, 4}, {5}, {6}});
  for (const auto format : {TokenFormat::nanogpt, TokenFormat::llm_c}) {
    const std::string path = folder / "t.bin";
    write_tokens(path, corpus, format);
    EXPECT_EQ(std::filesystem::file_size(path),
              21u * 2 + (format == TokenFormat::llm_c ? 1024 : 0));
    const Corpus again = open_tokens(path, corpus.vocabulary);
    ASSERT_EQ(again.tokens.size(), corpus.tokens.size());
    for (std::int64_t i = 0; i < corpus.tokens.size(); i++)
      EXPECT_EQ(again.tokens[i], corpus.tokens[i]);
    EXPECT_TRUE(std::equal(again.documents.begin(), again.documents.end(), corpus.documents.begin(),
                           corpus.documents.end()));
    EXPECT_EQ(open_tokens(path, {}).vocabulary.size, 6 + 18);
    EXPECT_EQ(open_tokens(path, {}).document_count(), 1);
  }
  Corpus large = corpus;
  large.vocabulary.size = 100000;
  EXPECT_NE(error_of([&] {
              write_tokens(folder / "x.bin", large, TokenFormat::nanogpt);
            }).find("below 65,536: got a vocabulary of 100000"),
            std::string::npos);
  write_tokens(folder / "x.bin", large, TokenFormat::llm_c);
  EXPECT_EQ(std::filesystem::file_size(folder / "x.bin"), 1024u + 21 * 4);
  EXPECT_EQ(open_tokens(folder / "x.bin", large.vocabulary).tokens[20], kEndId);
}

TEST(token_file, end_tokens_in_a_row_make_no_document) {
  Folder folder;
  const auto shard = [&](std::vector<std::uint16_t> tokens) {
    Bytes bytes(tokens.size() * 2);
    std::memcpy(bytes.data(), tokens.data(), bytes.size());
    return folder.write("s.bin", bytes);
  };
  const Corpus c = open_tokens(shard({5, 7, 8, 5, 5, 9, 5, 9}), words_vocabulary(9));
  EXPECT_EQ(std::vector<std::int64_t>(c.documents.begin(), c.documents.end()),
            (std::vector<std::int64_t>{1, 5, 7, 8}));
  EXPECT_EQ(c.content_end(0), 3);
  EXPECT_NE(error_of([&] {
              open_tokens(shard({5, 5}), words_vocabulary(9));
            }).find("nothing but end tokens"),
            std::string::npos);
}

TEST(token_file, what_is_wrong) {
  const auto error = [](std::string bytes) {
    return error_of([&] { parse_tokens(bytes, "t.bin"); });
  };
  const auto header = [](std::int32_t magic, std::int32_t version, std::int32_t tokens,
                         std::size_t bytes) {
    std::string file(1024 + bytes, '\0');
    const std::int32_t words[] = {magic, version, tokens};
    std::memcpy(file.data(), words, sizeof words);
    return file;
  };
  EXPECT_EQ(error("abc"), "[tokens] a file of u16 has an even number of bytes: got 3 in t.bin");
  EXPECT_EQ(error(header(20240520, 2, 0, 0)),
            "[tokens] the version must be 1 with magic 20240520: got 2 in t.bin");
  EXPECT_EQ(
      error(header(20240520, 1, 9, 10)),
      "[tokens] the header says 9 tokens of 2 bytes, but the file has 10 bytes behind it: t.bin");
  EXPECT_NE(error(header(20240801, 7, 2, 9)).find("2 tokens of 4 bytes"), std::string::npos);
  EXPECT_NE(error(header(20240520, 1, -1, 0)).find("says -1"), std::string::npos);
  EXPECT_EQ(error(header(20240520, 1, 0, 0).substr(0, 100)),
            "[tokens] the header of llm.c has 1024 bytes: got 100 in t.bin");
  EXPECT_EQ(error(header(20240801, 7, 2, 8)), "no error");
  Folder folder;
  EXPECT_NE(error_of([&] { open_tokens(folder.write("e.bin", ""), {}); }).find("got none in"),
            std::string::npos);
  TextOptions o;
  o.view.kind = TextView::Kind::windows;
  o.view.length = 2;
  const std::string path = folder.write("v.bin", std::string("\1\0\2\0\3\0", 6));
  EXPECT_EQ(open_source("tokens:" + path, "train", o)->vocabulary().size, 4);
  const auto source = open_source("tokens:" + path + "?vocabulary=3", "train", o);
  EXPECT_NE(error_of([&] { row_of(*source, 0); }).find("got 3 as token 2"), std::string::npos);
}

TEST(summary, of_a_text) {
  Folder folder;
  TextOptions o;
  o.cache = folder / "cache";
  o.tokenizer = word_tokenizer(folder, {"the", "cat", "sat", "."});
  o.documents = "blank";
  const auto summary = [&](const std::string& text) {
    return summarize_text(open_corpus(parse_spec("text:" + folder.write("t.txt", text)), true, o));
  };
  const TextSummary s = summary("The cat sat. The cat.\n\nThe cat sat here.\n");
  EXPECT_EQ(s.documents, 2);
  EXPECT_EQ(s.sentences, 3);
  EXPECT_EQ(s.tokens, 12);
  EXPECT_EQ(s.unknown, 1);
  EXPECT_EQ(s.used, 5);
  EXPECT_EQ(s.bytes, 41);  // the blank line, too
  EXPECT_EQ(s.document_tokens.most, 7);
  EXPECT_EQ(s.sentence_tokens.least, 3);
  EXPECT_TRUE(std::isnan(s.entropy));
  EXPECT_NE(to_text(s).find("tokens           12\n"), std::string::npos) << to_text(s);
  EXPECT_NE(to_text(s).find("! 8.3 % of the tokens are unknown"), std::string::npos) << to_text(s);
  EXPECT_NE(to_json(s).find("\"documents\": 2"), std::string::npos);
  EXPECT_EQ(summary("the cat sat. the cat.").problems,
            (Texts{"one document only: next-sentence pairs need another one to draw a random "
                   "sentence from"}));
  EXPECT_EQ(summary("the cat.\n\nthe cat sat.\n\nthe cat.\n").problems,
            (Texts{"3 of 3 documents have one sentence (a blank line after every sentence?)"}));
  const TextSummary stories = summarize_text(open_corpus(parse_spec("stories:100"), true, {}));
  EXPECT_TRUE(stories.problems.empty());
  EXPECT_NE(to_text(stories).find("nats a token: no model's loss is lower"), std::string::npos);
}

}  // namespace lacuna::test
