#include "../../datasets/image_io.h"
#include "../../datasets/spec.h"
#include "support.h"

namespace lacuna::test {
namespace {

void picture(const Folder& folder, const std::string& name, int height, int width, int channels,
             std::uint8_t value) {
  const Bytes pixels(static_cast<std::size_t>(height * width * channels), value);
  folder.write(name, encode_png(pixels, height, width, channels));
}

}  // namespace

TEST(images, a_folder_a_class_in_order_of_names) {
  Folder folder;
  picture(folder, "dog/b.png", 2, 3, 3, 2);
  picture(folder, "dog/a.PNG", 2, 3, 3, 1);
  picture(folder, "cat/z.png", 2, 3, 1, 3);
  folder.write("dog/notes.txt", "not an image");
  folder.write(".hidden/x.png", "not a class");
  folder.write("empty/readme", "not a class");
  const auto source = open_source("images:" + folder.path(), "train");
  EXPECT_EQ(source->classes(), (std::vector<std::string>{"cat", "dog"}));
  const Batch b = read_batch(*source, {0, 1, 2});
  EXPECT_EQ(b["image"].shape(), (Shape{3, 2, 3, 3}));
  EXPECT_EQ(b["label"].to_vector<int>(), (std::vector<int>{0, 1, 1}));
  const auto v = b["image"].to_vector<int>();
  EXPECT_EQ((std::vector<int>{v[0], v[18], v[36]}), (std::vector<int>{3, 1, 2}));
  EXPECT_EQ(open_source("images:" + folder.path() + "?split=train", "test")->size(), 3);
}

TEST(images, flat_ones_have_no_label_and_grey_ones_one_channel) {
  Folder folder;
  picture(folder, "1.png", 4, 4, 1, 9);
  picture(folder, "2.png", 4, 4, 1, 8);
  const auto source = open_source("images:" + folder.path(), "train");
  const Batch b = read_batch(*source, {1});
  EXPECT_FALSE(b.has("label"));
  EXPECT_EQ(b["image"].shape(), (Shape{1, 4, 4, 1}));
  EXPECT_EQ(
      read_batch(*open_source("images:" + folder.path() + "?channels=3", "train"), {0})["image"]
          .shape(),
      (Shape{1, 4, 4, 3}));
}

TEST(images, sizes_must_be_one_or_are_made_one) {
  Folder folder;
  picture(folder, "a.png", 4, 4, 3, 9);
  picture(folder, "b.png", 6, 5, 3, 8);
  const std::string spec = "images:" + folder.path();
  EXPECT_EQ(error_of([&] { open_source(spec, "train"); }),
            "[images] all images must have one size (?size=N at the end of the spec resizes them "
            "to N x N): got 6 x 5 in " +
                (folder / "b.png") + " and 4 x 4 in " + (folder / "a.png"));
  const Batch b = read_batch(*open_source(spec + "?size=3", "train"), {0, 1});
  EXPECT_EQ(b["image"].shape(), (Shape{2, 3, 3, 3}));
  EXPECT_EQ(b["image"].to_vector<int>()[27], 8);
}

TEST(images, bad_folders_are_one_line_that_names_them) {
  Folder empty, both, text;
  const auto opened = [](const std::string& spec) {
    return error_of([&] { open_source(spec, "train"); });
  };
  EXPECT_EQ(opened("images:" + empty.path()),
            "[images] needs .png, .jpg or .jpeg files, in the folder or in one folder a class: "
            "found none in " +
                empty.path());
  EXPECT_EQ(opened("images:/no/such"), "[images] must be a folder: got /no/such");
  picture(both, "a.png", 2, 2, 1, 0);
  picture(both, "c/a.png", 2, 2, 1, 0);
  EXPECT_EQ(opened("images:" + both.path()),
            "[images] images lie in the folder or in one folder a class, not both: got 1 in " +
                both.path() + " itself and 1 in folders under it, such as c");
  text.write("a.png", "hello");
  EXPECT_EQ(opened("images:" + text.path()),
            "[image] must be a PNG or JPEG: got text in " + (text / "a.png"));
  text.write("a.png", "");
  EXPECT_EQ(opened("images:" + text.path()),
            "[image] must be a PNG or JPEG: got an empty file, " + (text / "a.png"));
  EXPECT_EQ(opened("images:" + both.path() + "/c?size=9000"),
            "[images] size must be 1 to 8192: got 9000");
  EXPECT_EQ(opened("images:" + both.path() + "/c?channels=2"),
            "[images] channels must be 1 or 3: got 2");
  EXPECT_EQ(opened("images:" + both.path() + "/c?size=big"),
            "[data] size must be a whole number of at least 1: got \"big\"");
}

TEST(images, damage_behind_the_header_is_found_when_it_is_read) {
  Folder folder;
  Bytes png = encode_png(Bytes(40 * 40 * 3, 77), 40, 40, 3);
  png.resize(png.size() - 20);
  folder.write("a.png", png);
  const auto source = open_source("images:" + folder.path(), "train");
  for (int again = 0; again < 2; again++)
    EXPECT_EQ(error_of([&] { read_batch(*source, {0}); }),
              "[image] a PNG must be whole and valid: it ends too early in " + (folder / "a.png"));
  folder.write("a.png", encode_png(Bytes(30 * 40 * 3, 77), 30, 40, 3));
  EXPECT_EQ(error_of([&] { read_batch(*source, {0}); }),
            "[images] a file changed while it was in use: " + (folder / "a.png"));
}

}  // namespace lacuna::test
