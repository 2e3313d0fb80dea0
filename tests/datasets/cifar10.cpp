#include "../../datasets/spec.h"
#include "archive.h"

namespace lacuna::test {
namespace {

/// What cifar_records() wrote, as (n, 32, 32, 3).
std::vector<int> cifar_images(const std::vector<int>& records) {
  std::vector<int> v;
  for (int i : records)
    for (int j = 0; j < 1024; j++)
      for (int c = 0; c < 3; c++) v.push_back((7 * i + 3 * j + 50 * c) % 256);
  return v;
}

void expect_three_files(const Source& source) {
  ASSERT_EQ(source.size(), 12);  // 5 of batch 1, 3 of batch 2, 4 of batch 10, in that order
  const Batch b = read_batch(source, {0, 4, 5, 7, 8, 11});
  EXPECT_EQ(b["image"].shape(), (Shape{6, 32, 32, 3}));
  EXPECT_EQ(b["image"].to_vector<int>(), cifar_images({0, 4, 0, 2, 0, 3}));
  EXPECT_EQ(b["label"].to_vector<int>(), (std::vector<int>{0, 4, 5, 7, 8, 1}));
  EXPECT_EQ(source.classes()[8], "ship");
}

Bytes archive() {
  return gzip(
      joined({tar_entry("cifar-10-batches-bin/", {}, '5'),
              tar_entry("cifar-10-batches-bin/data_batch_10.bin", cifar_records(4, 8)),
              tar_entry("cifar-10-batches-bin/readme.html", Bytes(700, 'x')),
              tar_entry("cifar-10-batches-bin/data_batch_2.bin", cifar_records(3, 5)),
              tar_entry("cifar-10-batches-bin/test_batch.bin", cifar_records(2, 3)),
              tar_entry("cifar-10-batches-bin/data_batch_1.bin", cifar_records(5)), kTarEnd}));
}

}  // namespace

TEST(cifar10, reads_a_folder_the_folder_above_and_an_archive_alike) {
  Folder folder;
  folder.write("cifar-10-batches-bin/data_batch_1.bin", cifar_records(5));
  folder.write("cifar-10-batches-bin/data_batch_2.bin", cifar_records(3, 5));
  folder.write("cifar-10-batches-bin/data_batch_10.bin", cifar_records(4, 8));
  folder.write("cifar-10-batches-bin/test_batch.bin", cifar_records(2, 3));
  folder.write("cifar-10-batches-bin/readme.html", "not a batch");
  const std::string packed = folder.write("cifar-10-binary.tar.gz", archive());
  for (const std::string& place : {folder.path(), folder / "cifar-10-batches-bin", packed}) {
    expect_three_files(*open_source("cifar10:" + place, "train"));
    const auto test = open_source("cifar10:" + place, "test");
    EXPECT_EQ(test->size(), 2);
    EXPECT_EQ(read_batch(*test, {1})["label"].item(), 4);
    EXPECT_EQ(test->name(), "cifar10:" + place + " (test)");
  }
}

TEST(cifar10, a_missing_split_is_fine_until_it_is_asked_for) {
  Folder folder;
  folder.write("data_batch_3.bin", cifar_records(1));
  EXPECT_EQ(open_source("cifar10:" + folder.path(), "train")->size(), 1);
  EXPECT_EQ(error_of([&] { open_source("cifar10:" + folder.path(), "test"); }),
            "[cifar10] needs test_batch.bin: found none in " + folder.path());
}

TEST(cifar10, a_file_longer_than_one_chunk_keeps_its_order) {
  Folder folder;
  folder.write("data_batch_1.bin", cifar_records(600));
  const auto source = open_source("cifar10:" + folder.path(), "train");
  EXPECT_EQ(source->size(), 600);
  const Batch b = read_batch(*source, {255, 256, 599});
  EXPECT_EQ(b["image"].to_vector<int>(), cifar_images({255, 256, 599}));
  EXPECT_EQ(b["label"].to_vector<int>(), (std::vector<int>{5, 6, 9}));
}

TEST(cifar10, bad_files_are_one_line_that_names_them) {
  Folder folder;
  const std::string file = folder / "data_batch_1.bin", spec = "cifar10:" + folder.path();
  const auto opened = [&](const Bytes& bytes) {
    folder.write("data_batch_1.bin", bytes);
    return error_of([&] { open_source(spec, "train"); });
  };
  Bytes truncated = cifar_records(3), mislabelled = cifar_records(20);
  truncated.resize(3 * 3073 - 73);
  mislabelled[17 * 3073] = 10;
  EXPECT_EQ(opened(truncated),
            "[cifar10] a batch file holds whole records of 3073 bytes: got 9146 bytes (2 records "
            "and 3000 bytes) in " +
                file);
  EXPECT_EQ(opened({}),
            "[cifar10] a batch file holds whole records of 3073 bytes: got 0 bytes (0 records and "
            "0 bytes) in " +
                file);
  EXPECT_EQ(opened(mislabelled), "[cifar10] labels are 0 to 9: got 10 in record 17 of " + file);

  Folder empty, python;
  EXPECT_EQ(error_of([&] { open_source("cifar10:" + empty.path(), "train"); }),
            "[cifar10] needs data_batch_1.bin, data_batch_2.bin ... (any of them): found none in " +
                empty.path());
  python.write("batches.meta", "pickle");
  python.write("data_batch_1", "pickle");
  EXPECT_EQ(error_of([&] { open_source("cifar10:" + python.path(), "train"); }),
            "[cifar10] needs data_batch_1.bin, data_batch_2.bin ... (any of them): found none in " +
                python.path() + " (it holds the Python version: take cifar-10-binary.tar.gz)");
  EXPECT_EQ(error_of([&] { open_source("cifar10:/no/such/place", "train"); }),
            "[read] cannot open \"/no/such/place\": No such file or directory");
  EXPECT_EQ(error_of([&] { open_source("cifar10:" + file + "/below", "train"); }),
            "[read] cannot open \"" + file + "/below\": Not a directory");
  EXPECT_EQ(
      error_of([&] { open_source("cifar10:" + file, "train"); }),
      "[cifar10] must be a folder or a .tar.gz: got 61460 bytes that are not gzip in " + file);
  std::filesystem::create_directories(folder / "dir/data_batch_1.bin");
  EXPECT_EQ(error_of([&] { open_source("cifar10:" + (folder / "dir"), "train"); }),
            "[cifar10] must be a regular file: got " + (folder / "dir/data_batch_1.bin"));
  EXPECT_EQ(error_of([&] { open_source("cifar10:/dev/null", "train"); }),
            "[read] cannot read \"/dev/null\": Invalid argument");
}

TEST(cifar10, bad_archives_are_one_line_that_names_them) {
  Folder folder;
  const std::string file = folder / "c.tar.gz";
  const auto opened = [&](const Bytes& bytes) {
    folder.write("c.tar.gz", bytes);
    return error_of([&] { open_source("cifar10:" + file, "train"); });
  };
  const Bytes entry = tar_entry("data_batch_1.bin", cifar_records(2));
  EXPECT_EQ(opened(gzip(joined({entry, kTarEnd}))), "no error");

  Bytes cut = gzip(joined({entry, kTarEnd}));
  cut.resize(cut.size() / 2);
  EXPECT_EQ(opened(cut), "[cifar10] gzip data must be whole: it ends too early in " + file);
  Bytes damaged = gzip(joined({entry, kTarEnd}));
  damaged[10] |= 6;  // a block of the type that there is not
  EXPECT_EQ(opened(damaged), "[cifar10] gzip data must be valid: invalid block type in " + file);
  EXPECT_EQ(opened(gzip(Bytes(entry.begin(), entry.begin() + 3000))),
            "[cifar10] the unpacked data ends too early in " + file);
  EXPECT_EQ(opened(gzip(entry)),
            "[cifar10] the unpacked data ends too early in " + file);  // no end mark
  Bytes header = entry;
  header[0] ^= 1;
  EXPECT_EQ(opened(gzip(joined({entry, header, kTarEnd}))),
            "[cifar10] a tar header must match its checksum: entry 1 does not in " + file);
  EXPECT_EQ(opened(gzip(joined({tar_entry("readme", {1, 2}), kTarEnd}))),
            "[cifar10] needs data_batch_1.bin, data_batch_2.bin ... (any of them): found none in " +
                file);
  EXPECT_EQ(opened(gzip(joined({entry, entry, kTarEnd}))),
            "[cifar10] each batch may be there once: got a second data_batch_1.bin in " + file);
  Bytes records = cifar_records(2);
  records[3073] = 255;
  EXPECT_EQ(opened(gzip(joined({tar_entry("x/data_batch_4.bin", records), kTarEnd}))),
            "[cifar10] labels are 0 to 9: got 255 in record 1 of " + file + ":x/data_batch_4.bin");
  records.pop_back();
  EXPECT_EQ(opened(gzip(joined({tar_entry("data_batch_4.bin", records), kTarEnd}))),
            "[cifar10] a batch file holds whole records of 3073 bytes: got 6145 bytes (1 records "
            "and 3072 bytes) in " +
                file + ":data_batch_4.bin");
  Bytes sizeless = tar_entry("data_batch_1.bin", {});
  sizeless[124] = 'z';  // '0' before: the checksum goes up by as much
  std::snprintf(reinterpret_cast<char*>(&sizeless[148]), 8, "%06o",
                std::accumulate(sizeless.begin(), sizeless.begin() + 148, 0u) + 8u * ' ' +
                    std::accumulate(sizeless.begin() + 156, sizeless.end(), 0u));
  EXPECT_EQ(opened(gzip(joined({sizeless, kTarEnd}))),
            "[cifar10] a tar entry must give its size in octal: entry 0 does not in " + file);
}

}  // namespace lacuna::test
