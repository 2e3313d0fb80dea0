// What a user may get wrong: each case gives one line on standard error that begins "lacuna: error:" and says what to do,
// nothing else there, and exit status 2.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "../../kernels/backend.h"
#include "command.h"

namespace lacuna::test {
namespace {

namespace fs = std::filesystem;

struct BadInput {
  const char* name;
  std::string arguments;  // separated by blanks; @ is the fixtures' folder
  const char* says;       // what the line must hold
};

// `text` with the fixtures' folder for each @.
std::string placed(const std::string& text, const std::string& folder) {
  std::string out;
  for (const char c : text) out += c == '@' ? folder : std::string(1, c);
  return out;
}

std::vector<std::string> words(const std::string& text, const std::string& folder) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(placed(word, folder));
  return out;
}

// CIFAR-10 records of one label: 1 + 3,072 bytes each.
std::string cifar(int records, char label) {
  std::string bytes;
  for (int i = 0; i < records; i++) bytes += label + std::string(3072, static_cast<char>(i * 37));
  return bytes;
}

// Everything that the cases name, made once.
const TemporaryFolder& fixtures() {
  static const TemporaryFolder* const folder = [] {
    auto* f = new TemporaryFolder;
    f->write("cifar/data_batch_1.bin", cifar(8, 3));
    f->write("cifar-truncated/data_batch_1.bin", cifar(2, 3).substr(0, 5000));
    f->write("cifar-label/data_batch_1.bin", cifar(2, 10));
    f->write("cifar-empty/data_batch_1.bin", "");
    fs::create_directories(*f / "empty");
    f->write("text.tar.gz", "this is no archive\n");
    f->write("idx-magic/train-images-idx3-ubyte",
             std::string("\1\2\3\4\0\0\0\1", 8) + std::string(800, 'x'));
    f->write("idx-magic/train-labels-idx1-ubyte", std::string("\0\0\x8\1\0\0\0\1\3", 9));
    f->write("idx-short/train-images-idx3-ubyte",
             std::string("\0\0\x8\3\0\0\0\2\0\0\0\x1c\0\0\0\x1c", 16) + std::string(784, 'x'));
    f->write("idx-short/train-labels-idx1-ubyte", std::string("\0\0\x8\1\0\0\0\2\3\4", 10));
    // One grey picture, for a --val that does not fit.
    f->write("idx-good/t10k-images-idx3-ubyte",
             std::string("\0\0\x8\3\0\0\0\1\0\0\0\x1c\0\0\0\x1c", 16) + std::string(784, 'x'));
    f->write("idx-good/t10k-labels-idx1-ubyte", std::string("\0\0\x8\1\0\0\0\1\3", 9));
    f->write("pictures/cats/one.png", "not a picture at all\n");
    mkfifo((*f / "pipe.toml").c_str(), 0600);
    fs::create_directories(*f / "pipe");
    mkfifo((*f / "pipe/data_batch_1.bin").c_str(), 0600);
    f->write("not.toml", "[task\nmode = \n");
    f->write("key.toml", "[task]\nmoed = \"tanh\"\n");
    f->write("section.toml", "[tsak]\nmode = \"tanh\"\n");
    f->write("type.toml", "[train]\nbatch_size = \"many\"\n");
    f->write("loose.toml", "lr = 0.1\n");
    f->write("nested.toml", "[optim]\nlr = [0.1, 0.2]\n");
    f->write("file", "");
    f->write("weights.safetensors", "no weights here");
    f->write("binary.toml", std::string("\xff\xfe\0\1", 4));
    const auto train = [&](const std::string& more) {
      const Outcome o = lacuna(
          words("train inpainting --data shapes:8 --steps 1 --batch-size 4 --quiet --out " + more,
                f->path()));
      EXPECT_EQ(o.status, 0) << o.err;
    };
    train("@/run");
    train("@/bottleneck --set bottleneck=8");
    fs::copy(*f / "run", *f / "run-truncated", fs::copy_options::recursive);
    fs::resize_file(*f / "run-truncated/checkpoint.safetensors", 1000);
    fs::copy(*f / "run", *f / "run-garbage", fs::copy_options::recursive);
    f->write("run-garbage/checkpoint.safetensors", std::string(64, '\xff'));
    fs::copy(*f / "run", *f / "run-other", fs::copy_options::recursive);
    fs::copy(*f / "bottleneck/checkpoint.safetensors", *f / "run-other/checkpoint.safetensors",
             fs::copy_options::overwrite_existing);
    fs::copy(*f / "run", *f / "run-config", fs::copy_options::recursive);
    f->write("run-config/config.toml", "[task]\nmode = 5\n");
    return f;
  }();
  return *folder;
}

const std::vector<BadInput>& cases() {
  const std::string train = "train inpainting --steps 1 --batch-size 4 --out @/new --data ",
                    long_out = "train inpainting --data shapes:8 --out @/" + std::string(5000, 'x');
  static const std::vector<BadInput> all = {
      {"command", "trian", "did you mean"},
      {"no_task", "train", "TASK is missing"},
      {"task", "train inpaintng --data shapes --out @/new", "did you mean"},
      {"no_out", "train inpainting --data shapes", "--out DIR is missing"},
      {"no_data", "train inpainting --out @/new", "--data SPEC is missing"},
      {"option", "train inpainting --data shapes --out @/new --epoch 3",
       "did you mean \"--epochs\""},
      {"value", "train inpainting --data shapes --out @/new --lr", "--lr needs a value"},
      {"positional", "train inpainting extra --data shapes --out @/new", "unexpected argument"},
      {"key", train + "shapes --set maks=block", "did you mean"},
      {"set", train + "shapes --set mask", "key=value"},
      {"choice", train + "shapes --set mode=tahn", "did you mean \"tanh\""},
      {"batch_negative", train + "shapes --batch-size -4", "between 1 and"},
      {"batch_zero", train + "shapes --batch-size 0", "between 1 and"},
      {"batch_text", train + "shapes --batch-size many", "a whole number"},
      {"batch_fraction", train + "shapes --batch-size 2.5", "a whole number"},
      {"lr_text", train + "shapes --lr fast", "a number"},
      {"lr_nan", train + "shapes --lr nan", "finite"},
      {"lr_huge", train + "shapes --lr 1e999", "a number"},
      {"ratio", train + "shapes --set mask_ratio=1.5", "between 0 and 1"},
      {"flag", train + "shapes --set shuffle=yes", "true or false"},
      {"nothing_hidden", train + "shapes --set mask=none --set loss=hidden", "loss=hidden"},
      {"device", train + "shapes --device gpu", "device"},
      {"device_number", train + "shapes --device cuda:99", "device"},
      {"scheme", train + "cifra10:@/cifar", "did you mean"},
      {"shapes_size", train + "shapes:none", "whole number"},
      {"shapes_huge", "data describe shapes:999999999999", "at most"},
      {"val_fields", train + "shapes --val idx:@/idx-good", "--val must hold what --data holds"},
      {"val_no_partner",
       "train simclr --data cases:8 --val shapes:8 --set positives=partners --set "
       "model.backbone=resnet10 --steps 1 --batch-size 4 --out @/new",
       "must be what the task can judge: got shapes (test): [batch] no field named \"partner\""},
      {"val_classes",
       "train simclr --data shapes:8 --val cifar10:@/cifar?split=train --set "
       "model.backbone=resnet10 --steps 1 --batch-size 4 --out @/new",
       "and 6 more): got 10 (airplane, automobile, bird, cat and 6 more)"},
      {"stories_size", "data describe stories:none", "whole number"},
      {"text_no_tokenizer", "data describe text:@/nowhere", "needs a tokenizer"},
      {"tokens_missing", "data describe tokens:@/nowhere", "nowhere"},
      {"tokens_out", "data tokens stories:9", "--out FILE is missing"},
      {"tokens_format", "data tokens stories:9 --out @/t.bin --format raw", "nanogpt or llm.c"},
      {"views_out", "data views shapes:4", "--out FILE is missing"},
      {"views_of_text", "data views stories:9 --out @/v.png", "made of pictures"},
      {"device_of_one", train + "shapes --device cpu:1", "only cuda"},
      {"import_ours", "import @/run/checkpoint.safetensors --out @/imported.safetensors",
       "--init takes it"},
      {"eval_other_checkpoint", "eval reconstruct --run @/run-other", "model.bottleneck was 8"},
      {"best_none", "export --best --run @/run --out @/best.safetensors", "best.safetensors"},
      {"cifar_missing", train + "cifar10:@/nowhere", "nowhere"},
      {"cifar_no_files", train + "cifar10:@/empty", "empty"},
      {"cifar_empty", train + "cifar10:@/cifar-empty", "data_batch_1.bin"},
      {"cifar_truncated", train + "cifar10:@/cifar-truncated", "3073"},
      {"cifar_label", train + "cifar10:@/cifar-label", "10"},
      {"cifar_archive", train + "cifar10:@/text.tar.gz", "text.tar.gz"},
      {"cifar_split", train + "cifar10:@/cifar --val cifar10:@/cifar", "test_batch.bin"},
      {"idx_magic", train + "idx:@/idx-magic", "magic"},
      {"idx_short", train + "idx:@/idx-short", "train-images"},
      {"png", train + "images:@/pictures", "one.png"},
      {"images_none", train + "images:@/empty", "empty"},
      {"config_pipe", train + "shapes --config @/pipe.toml", "pipe.toml"},
      {"cifar_pipe", train + "cifar10:@/pipe", "regular file"},
      {"config_missing", train + "shapes --config @/nowhere.toml", "nowhere.toml"},
      {"config_toml", train + "shapes --config @/not.toml", "not.toml:1"},
      {"config_key", train + "shapes --config @/key.toml", "key.toml:2"},
      {"config_section", train + "shapes --config @/section.toml", "did you mean \"task\""},
      {"config_type", train + "shapes --config @/type.toml", "a whole number"},
      {"config_loose", train + "shapes --config @/loose.toml", "outside a section"},
      {"config_nested", train + "shapes --config @/nested.toml", "nested.toml:2"},
      {"config_binary", train + "shapes --config @/binary.toml", "binary.toml"},
      {"out_used", "train inpainting --data shapes --out @/run", "--resume"},
      {"out_too_long", long_out, "cannot make the folder"},
      {"out_under_file", "train inpainting --data shapes --out @/file/run", "@/file"},
      {"resume_lr", "train inpainting --out @/run --resume --lr 0.5", "optim.lr was 0.001"},
      {"resume_config", "train inpainting --out @/run --resume --config @/key.toml",
       "leave out --config"},
      {"resume_truncated", "train inpainting --out @/run-truncated --resume",
       "checkpoint.safetensors"},
      {"resume_garbage", "train inpainting --out @/run-garbage --resume", "checkpoint.safetensors"},
      {"resume_other", "train inpainting --out @/run-other --resume", "model.bottleneck was 8"},
      {"resume_bad_config", "train inpainting --out @/run-config --resume", "config.toml"},
      {"init_missing", train + "shapes --init @/nowhere", "nowhere"},
      {"init_text", train + "shapes --init @/weights.safetensors", "weights.safetensors"},
      {"init_other", train + "shapes --init @/bottleneck", "encoder.6.weight"},
      {"eval_protocol", "eval reconstuct --run @/run", "did you mean"},
      {"eval_other_task", "eval perplexity --run @/run", "has no perplexity"},
      {"eval_no_run", "eval reconstruct --data shapes", "--run DIR is missing"},
      {"eval_not_a_run", "eval reconstruct --run @/empty --data shapes", "config.toml"},
      {"eval_channels", "eval reconstruct --run @/run --data idx:@/idx-magic", "idx"},
      {"report_no_run", "report", "--run DIR is missing"},
      {"report_not_a_run", "report --run @/empty", "config.toml"},
      {"data_action", "data descirbe shapes", "describe"},
      {"data_spec", "data describe", "SPEC is missing"},
      {"export_no_out", "export --run @/run", "--out FILE is missing"},
      {"import_text", "import @/weights.safetensors --out @/imported.safetensors",
       "weights.safetensors"},
      {"plan_task", "plan inpaintin", "did you mean"},
      {"graph_key", "graph inpainting --set maks=block", "did you mean"},
  };
  return all;
}

class BadInputTest : public testing::TestWithParam<BadInput> {};

TEST_P(BadInputTest, OneLineAndStatus2) {
  const std::string& folder = fixtures().path();
  const Outcome o = lacuna(words(GetParam().arguments, folder));
  EXPECT_EQ(o.status, 2) << o.err;
  EXPECT_EQ(o.err.rfind("lacuna: error: ", 0), 0u) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
  ASSERT_FALSE(o.err.empty());
  EXPECT_EQ(o.err.back(), '\n');
  const std::string says = placed(GetParam().says, folder);
  EXPECT_NE(o.err.find(says), std::string::npos) << o.err << "does not say: " << says;
  EXPECT_FALSE(fs::exists(folder + "/new"));  // nothing was begun
}

// Why there is no such device, and what to do.
TEST(BadInput, ADeviceThatIsNotHere) {
  for (const auto& [name, type] : {std::pair{"cuda", DeviceType::cuda}, {"emu", DeviceType::emu}}) {
    const Backend* backend = find_backend(type);
    if (backend && backend->device_count() > 0) continue;
    const bool cuda = type == DeviceType::cuda;
    const std::string folder = fixtures().path(), preset = cuda ? "cuda" : "emu";
    const std::string says =
        backend ? "[device] cuda:0 is not in this machine: " + backend->why_absent()
                : std::string("[device] this build has no ") + (cuda ? "CUDA" : "emu") +
                      ": make one that has (cmake --preset " + preset + ")";
    for (const char* command : {"train inpainting --data shapes --out @/new", "plan inpainting",
                                "eval reconstruct --data shapes --run @/run"}) {
      const Outcome o = lacuna(words(std::string(command) + " --device " + name, folder));
      EXPECT_EQ(o.status, 2);
      EXPECT_EQ(o.err, "lacuna: error: " + says + ", or use --device cpu\n") << command;
    }
    EXPECT_FALSE(fs::exists(folder + "/new"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadInputTest, testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace lacuna::test
