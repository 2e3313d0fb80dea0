#include "../../datasets/spec.h"
#include "archive.h"

namespace lacuna::test {
namespace {

const std::string kImages = "train-images-idx3-ubyte", kLabels = "train-labels-idx1-ubyte";

Bytes counted(int n) {
  Bytes bytes(n);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

}  // namespace

TEST(idx, reads_plain_and_packed_files) {
  for (bool packed : {false, true}) {
    Folder folder;
    const Bytes images = idx_file({3, 4, 2}, counted(24)), labels = idx_file({3}, {2, 0, 7});
    folder.write(kImages + (packed ? ".gz" : ""), packed ? gzip(images) : images);
    folder.write(kLabels + (packed ? ".gz" : ""), packed ? gzip(labels) : labels);
    const auto source = open_source("idx:" + folder.path(), "train");
    EXPECT_EQ(source->size(), 3);
    EXPECT_EQ(source->classes().size(), 8u);
    const Batch b = read_batch(*source, {2, 0});
    EXPECT_EQ(b["image"].shape(), (Shape{2, 4, 2, 1}));
    EXPECT_EQ(b["image"].to_vector<int>(),
              (std::vector<int>{16, 17, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(b["label"].to_vector<int>(), (std::vector<int>{7, 2}));
    EXPECT_EQ(error_of([&] { open_source("idx:" + folder.path(), "test"); }),
              "[idx] needs t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz: found neither in " +
                  folder.path());
  }
}

TEST(idx, bad_files_are_one_line_that_names_them) {
  Folder folder;
  const std::string images_file = folder / kImages, labels_file = folder / kLabels;
  const Bytes images = idx_file({3, 4, 2}, counted(24)), labels = idx_file({3}, {2, 0, 7});
  const auto opened = [&](const Bytes& i, const Bytes& l) {
    folder.write(kImages, i);
    folder.write(kLabels, l);
    return error_of([&] { open_source("idx:" + folder.path(), "train"); });
  };
  EXPECT_EQ(opened(images, labels), "no error");
  EXPECT_EQ(opened({}, labels),
            "[idx] a file begins with four bytes 00 00 08 and its dimensions: got 0 bytes in " +
                images_file);
  EXPECT_EQ(opened({'P', 'K', 3, 4}, labels),
            "[idx] a file begins with 00 00 08 (unsigned bytes): got 80 75 3 in " + images_file);
  Bytes floats = images;
  floats[2] = 0x0d;
  EXPECT_EQ(opened(floats, labels),
            "[idx] a file begins with 00 00 08 (unsigned bytes): got 0 0 13 in " + images_file);
  EXPECT_EQ(opened(labels, labels), "[idx] must have 3 dimensions: got 1 in " + images_file);
  EXPECT_EQ(opened(images, images), "[idx] must have 1 dimension: got 3 in " + labels_file);
  EXPECT_EQ(opened({0, 0, 8, 3, 0, 0}, labels),
            "[idx] the header has 16 bytes: got 6 bytes in " + images_file);
  EXPECT_EQ(opened(idx_file({3, 4, 2}, counted(23)), labels),
            "[idx] the header promises 24 values: got 23 in " + images_file);
  EXPECT_EQ(opened(idx_file({3, 4, 2}, counted(25)), labels),
            "[idx] the header promises 24 values: got 25 in " + images_file);
  EXPECT_EQ(opened(idx_file({0, 4, 2}, {}), labels),
            "[idx] sizes must be at least 1: got 0 for dimension 0 in " + images_file);
  EXPECT_EQ(opened(images, idx_file({2}, {1, 2})),
            "[idx] each image has one label: got 3 in " + images_file + " and 2 in " + labels_file);
  const std::uint32_t huge = 0xffffffff;  // three of them overflow 64 bits
  EXPECT_EQ(opened(idx_file({huge, huge, huge}, counted(4)), labels).substr(0, 26),
            "[idx] the header promises ");
  Bytes cut = gzip(images);
  cut.resize(cut.size() - 3);
  EXPECT_EQ(opened(cut, labels),
            "[idx] gzip data must be whole: it ends too early in " + images_file);
  std::filesystem::remove(labels_file);
  folder.write(kImages, images);
  EXPECT_EQ(error_of([&] { open_source("idx:" + folder.path(), "train"); }),
            "[idx] needs train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz: found neither in " +
                folder.path());
  EXPECT_EQ(error_of([&] { open_source("idx:" + images_file, "train"); }),
            "[idx] must be a folder: got " + images_file);
}

TEST(spec, wrong_ones_are_one_line_that_helps) {
  const auto opened = [](const std::string& spec, const std::string& split = "train") {
    return error_of([&] { open_source(spec, split); });
  };
  const std::string all =
      "[data] must be one of cifar10:DIR-or-tar.gz, idx:DIR, images:DIR[?size=N], shapes[:N], "
      "bags:DIR-or-TSV, cases[:N], text:FILE-or-DIR, tokens:FILE.bin, tsv:FILE, conll:FILE, "
      "stories[:N]: got ";
  EXPECT_EQ(opened("cifar:x"), all + "\"cifar:x\" (did you mean \"cifar10\"?)");
  EXPECT_EQ(opened("shape"), all + "\"shape\" (did you mean \"shapes\"?)");
  EXPECT_EQ(opened("image:/data"), all + "\"image:/data\" (did you mean \"images\"?)");
  EXPECT_EQ(opened("/data/photos"), all + "\"/data/photos\"");
  EXPECT_EQ(opened(""), all + "\"\"");
  EXPECT_EQ(opened("idx"), "[data] needs a place, idx:DIR: got \"idx\"");
  EXPECT_EQ(opened("images:"), "[data] needs a place, images:DIR[?size=N]: got \"images:\"");
  EXPECT_EQ(opened("shapes:0"),
            "[data] N of shapes:N must be a whole number of at least 1: got \"0\"");
  EXPECT_EQ(opened("shapes:many"),
            "[data] N of shapes:N must be a whole number of at least 1: got \"many\"");
  EXPECT_EQ(opened("shapes:9?seed=-1"),
            "[data] seed must be a whole number of at least 0: got \"-1\"");
  EXPECT_EQ(opened("shapes:9?seed"),
            "[data] an option is name=value: got \"seed\" in \"shapes:9?seed\"");
  EXPECT_EQ(
      opened("images:/tmp?sise=3"),
      "[data] images has the options split, size, channels: got \"sise\" (did you mean \"size\"?)");
  EXPECT_EQ(opened("shapes", "val"), "[data] the split must be train or test: got \"val\"");
  EXPECT_EQ(opened("shapes?split=dev"), "[data] the split must be train or test: got \"dev\"");
  EXPECT_EQ(opened("images:/tmp", "test"),
            "[data] images:/tmp has no test split, all of it is train: for testing, name a folder "
            "of its own and add ?split=train");
}

TEST(spec, options_are_taken_apart) {
  const Spec spec = parse_spec("images:/a:b/c?size=32&channels=1");
  EXPECT_EQ(spec.scheme, "images");
  EXPECT_EQ(spec.place, "/a:b/c");
  EXPECT_EQ(spec.options, (std::map<std::string, std::string>{{"size", "32"}, {"channels", "1"}}));
}

}  // namespace lacuna::test
