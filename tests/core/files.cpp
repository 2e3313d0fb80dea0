#include "../../core/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace lacuna {
namespace {

namespace fs = std::filesystem;

class files : public testing::Test {
 protected:
  files() {
    std::string pattern = (fs::temp_directory_path() / "lacuna_files_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~files() override { fs::remove_all(folder_); }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (const auto& e : fs::directory_iterator(folder_)) names.push_back(e.path().filename());
    return names;
  }
  std::string folder_;
};

// Larger files than this cannot be written while it lives: what a full disk does, without one.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  void (*handler_)(int);
};

template <class E>
std::string thrown(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "no such error";
}

}  // namespace

TEST_F(files, written_and_read_back) {
  const std::string bytes("a\0b\n", 4);
  write_file(at("x"), bytes);
  EXPECT_EQ(read_file(at("x")), bytes);
  EXPECT_EQ(MappedFile(at("x")).bytes(), bytes);
  write_file(at("x"), "");
  EXPECT_EQ(read_file(at("x")), "");
  EXPECT_EQ(MappedFile(at("x")).bytes(), "");
  EXPECT_EQ(listing(), std::vector<std::string>{"x"});
}

TEST_F(files, until_commit_nothing_has_changed) {
  write_file(at("x"), "old");
  {
    AtomicFile file(at("x"));
    file.write("new", 3);
    EXPECT_EQ(read_file(at("x")), "old");
  }
  EXPECT_EQ(read_file(at("x")), "old");
  EXPECT_EQ(listing(), std::vector<std::string>{"x"});
  {
    AtomicFile file(at("x"));
    file.write("new", 3);
    file.commit();
    EXPECT_NE(thrown<Error>([&] { file.write("x", 1); }).find("committed already"),
              std::string::npos);
  }
  EXPECT_EQ(read_file(at("x")), "new");
}

TEST_F(files, no_room_is_an_error_of_running_and_leaves_the_old_file) {
  write_file(at("x"), "old");
  std::string text;
  {
    FileSizeLimit limit(1000);
    text = thrown<IoError>([&] { write_file(at("x"), std::string(5000, 'a')); });
  }
  EXPECT_EQ(text, "[write] cannot write \"" + at("x") + "\": File too large");
  EXPECT_EQ(read_file(at("x")), "old");
  EXPECT_EQ(listing(), std::vector<std::string>{"x"});
  EXPECT_NE(thrown<IoError>([] { fail_io("write", "write", "p", ENOSPC); }).find("No space left"),
            std::string::npos);
}

TEST_F(files, a_link_is_followed_and_what_is_no_file_is_left_alone) {
  write_file(at("target"), "a");
  fs::create_symlink(at("target"), at("link"));
  write_file(at("link"), "b");
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(read_file(at("target")), "b");
  EXPECT_TRUE(same_file(at("link"), at("target")));
  EXPECT_FALSE(same_file(at("none"), at("none")));
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_NE(thrown<Error>([&] { write_file(at("pipe"), "a"); }).find("is no plain file"),
            std::string::npos);
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
  EXPECT_EQ(listing().size(), 3u);
}

TEST_F(files, a_wrong_path_is_an_error_of_input) {
  const auto is_input_error = [](const std::function<void()>& f, const std::string& part) {
    EXPECT_EQ(thrown<IoError>([&] {
                try {
                  f();
                } catch (const IoError&) {
                  throw;
                } catch (const Error&) {
                }
              }),
              "no such error");
    EXPECT_NE(thrown<Error>(f).find(part), std::string::npos) << thrown<Error>(f);
  };
  is_input_error([&] { read_file(at("none")); }, "\": No such file or directory");
  is_input_error([&] { read_file(folder_); }, "Is a directory");
  is_input_error([&] { MappedFile{at("none")}; }, at("none"));
  is_input_error([&] { write_file(at("none/x"), "a"); }, "No such file or directory");
  is_input_error([&] { write_file(folder_, "a"); }, "Is a directory");
  write_file(at("x"), "a");
  is_input_error([&] { write_file(at("x/y"), "a"); }, "Not a directory");
  if (::geteuid() != 0) {
    ::chmod(folder_.c_str(), 0500);
    is_input_error([&] { write_file(at("y"), "a"); }, "Permission denied");
    ::chmod(folder_.c_str(), 0700);
  }
  EXPECT_EQ(read_file(at("x")), "a");
}

}  // namespace lacuna
