#include <lacuna/core/ops/mask_image.h>
#include <lacuna/core/ops/pointwise_loss.h>
#include <lacuna/core/tape.h>
#include <lacuna/datasets/loader.h>
#include <lacuna/datasets/spec.h>
#include <lacuna/nn/backbones/conv_autoencoder.h>
#include <lacuna/nn/optim/adam.h>

#include <cstdio>

using namespace lacuna;

int main() {
  Loader loader(open_source("shapes:2000", "train"), {.batch_size = 32, .seed = 1});
  ConvAutoencoder model({.output = ConvAutoencoder::Output::tanh});
  model.initialize(/*seed=*/1);
  Adam adam(model.parameters(), {.lr = 1e-3});
  for (int step = 0; step < 100; step++) {
    const Batch batch = loader.next();
    Context context{.seed = 1, .epoch = step / loader.per_epoch(), .ids = row_ids(batch.ids)};
    const MaskedImage image = mask_image(batch["image"], {.ratio = 0.5}, context, "mask");
    const Tensor loss = mse_loss(model.forward(context, image.masked), image.target);
    adam.zero_grad();
    backward(loss);
    adam.step();
    if (step % 20 == 0) std::printf("step %d  loss %.4f\n", step, loss.item());
  }
}
