// Times tokenizers on request: bench/versus_tokenizers.py talks to it and to Hugging Face's `tokenizers` in turn.
//
//   usage: bench_tokenize SPEC FILE THREADS
//   a line "ids" or "tokens" (with offsets) encodes the lines of FILE, one by one, and gives a line: milliseconds, those
//   that all threads used of a cpu, and how many tokens
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>

#include "../../core/files.h"
#include "../../datasets/tokenizer.h"
#include "../../kernels/cpu/parallel.h"

using namespace lacuna;

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_tokenize SPEC FILE THREADS\n");
    return 2;
  }
  try {
    const auto tokenizer = open_tokenizer(argv[1]);
    const std::string text = read_file(argv[2]);
    cpu::set_threads(std::stoi(argv[3]));
    std::vector<std::string_view> lines;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines.push_back(std::string_view(text).substr(begin, end - begin));
      begin = end + 1;
    }
    std::vector<std::vector<std::int32_t>> ids(lines.size());
    std::vector<std::vector<Token>> tokens(lines.size());
    std::string word;
    while (std::cin >> word) {
      ids.assign(lines.size(), {});  // as the other side, which makes new ones each time
      tokens.assign(lines.size(), {});
      const auto start = std::chrono::steady_clock::now();
      const std::clock_t used = std::clock();
      cpu::parallel_for(static_cast<std::int64_t>(lines.size()), 256,
                        [&](std::int64_t begin, std::int64_t end) {
                          for (std::int64_t i = begin; i < end; i++)
                            if (word == "ids")
                              tokenizer->append_ids(lines[i], ids[i]);
                            else
                              tokens[i] = tokenizer->encode(lines[i]);
                        });
      const double cpu_ms = 1e3 * static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC;
      const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
      std::size_t count = 0;
      for (std::size_t i = 0; i < lines.size(); i++) count += ids[i].size() + tokens[i].size();
      std::printf("%.3f %.3f %zu\n", ms.count(), cpu_ms, count);
      std::fflush(stdout);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_tokenize: %s\n", e.what());
    return 2;
  }
}
