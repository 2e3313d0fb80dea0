#include "../../nn/load_encoder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "../../core/files.h"
#include "../../core/safetensors.h"
#include "../../nn/backbones/conv_autoencoder.h"
#include "../../nn/backbones/registry.h"
#include "../../nn/backbones/resnet.h"
#include "support.h"

namespace lacuna {
namespace {

struct Temporary {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("lacuna_encoder_" + std::to_string(::getpid()) + ".safetensors"))
                         .string();
  ~Temporary() { std::filesystem::remove(path); }
};

void save(Module& model, const Module& encoder, const std::string& path) {
  StateDict state;
  insert_with_prefix(state, "model.", model.state_dict());
  insert_with_prefix(state, "optim.", {{"x", Tensor::zeros({3})}});
  write_safetensors(path, state, {{"encoder", encoder.architecture()}});
}

}  // namespace

TEST(load_encoder, gives_the_same_codes) {
  for (int bottleneck : {0, 5}) {
    ConvAutoencoder model({.channels = 1, .bottleneck = bottleneck});
    model.initialize(3);
    const Temporary file;
    save(model, model.encoder, file.path);
    const auto encoder = load_encoder(file.path);
    Context context{.training = false};
    const Tensor x = Tensor::full({2, 8, 8, 1}, 0.25);
    const Tensor code = encoder->forward(context, x);
    EXPECT_EQ(code.to_vector<float>(), model.encoder.forward(context, x).to_vector<float>());
    EXPECT_FALSE(code.needs_grad());
    EXPECT_EQ(encoder->path(), "encoder");
  }
}

TEST(load_encoder, bad_files_are_errors_that_name_the_file) {
  const Temporary file;
  EXPECT_THROWS_WITH(load_encoder(file.path), file.path);
  write_file(file.path, "not a checkpoint");
  EXPECT_THROWS_WITH(load_encoder(file.path), file.path);
  write_safetensors(file.path, {});
  EXPECT_THROWS_WITH(load_encoder(file.path), "does not say what encoder it holds");
  const auto with = [&](const std::string& architecture) {
    write_safetensors(file.path, {}, {{"encoder", architecture}});
    return [&] { return load_encoder(file.path); };
  };
  EXPECT_THROWS_WITH(with("[]")(), "a JSON object that names a backbone: got []");
  EXPECT_THROWS_WITH(with("{\"backbone\":\"resnet9000\"}")(),
                     "there is no backbone \"resnet9000\": there are conv_encoder, bert, gpt");
  EXPECT_THROWS_WITH(with("{\"backbone\":\"conv_encoder\",\"channels\":3}")(),
                     "needs the option \"bottleneck\"");
  EXPECT_THROWS_WITH(
      with("{\"backbone\":\"conv_encoder\",\"channels\":3,\"bottleneck\":0,\"depth\":1}")(),
      "has no option \"depth\"");
  EXPECT_THROWS_WITH(with("{\"backbone\":\"conv_encoder\",\"channels\":2.5,\"bottleneck\":0}")(),
                     "whole number for \"channels\": got 2.5");
  EXPECT_THROWS_WITH(with("{\"backbone\":\"conv_encoder\",\"channels\":\"3\",\"bottleneck\":0}")(),
                     "\"channels\" must be a number");
  EXPECT_THROWS_WITH(with("{\"backbone\":\"conv_encoder\",\"channels\":3,\"bottleneck\":0}")(),
                     "missing: 0.weight, 0.bias, 3.weight, 3.bias");
}

TEST(load_encoder, every_backbone_can_be_made_again) {
  EXPECT_EQ(backbone_names(), (std::vector<std::string>{"conv_encoder", "bert", "gpt", "resnet"}));
  const std::string json = ConvEncoder({.channels = 3, .bottleneck = 7}).architecture();
  EXPECT_EQ(json, R"({"backbone":"conv_encoder","bottleneck":7,"channels":3})");
  for (const std::string& made : {json, ResNet({.depth = 10, .width = 8}).architecture()})
    EXPECT_EQ(make_backbone(made)->architecture(), made);
}

}  // namespace lacuna
