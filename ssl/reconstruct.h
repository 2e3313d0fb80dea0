#pragma once
// How good a reconstruction is: MSE, PSNR and SSIM over the hidden values and over all of them, beside baselines that learn
// nothing. Everything is on the [-1, 1] scale (a range of 2), whatever a model's own output scale, so that models compare.
#include <functional>
#include <map>

#include "task.h"

namespace lacuna {

struct ReconstructionScore {
  double mse = 0;   // mean squared error
  double psnr = 0;  // 10 log10(range^2 / mse), range 2; of the mean mse
  double ssim =
      0;  // mean structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004): 11x11 Gaussian window, sigma 1.5,
  // K1 0.01, K2 0.03, edges by the part of the window inside; hidden: mean over hidden values
};

struct ReconstructionReport {
  std::int64_t images = 0;
  double hidden_share = 0;  // of all values
  // By method: "model", "mean_fill", "nearest_pixel". `hidden` is empty where nothing was hidden. The baselines fill what
  // the model saw, noise included.
  std::map<std::string, ReconstructionScore> hidden, all;
};

/// One batch, on the [-1, 1] scale: (N, H, W, C) f32; hidden is u8, 1 where the model had to fill in.
struct Reconstruction {
  Tensor original, masked, output, hidden;
};

/// A task that can be judged this way.
class Reconstructs {
 public:
  virtual ~Reconstructs() = default;
  virtual Reconstruction reconstruct(Context& context, const Batch& batch) = 0;
};

/// Runs over all of `source` in order, with masks drawn from (seed, epoch 0, sample): the same for every run and model.
ReconstructionReport evaluate_reconstruction(Reconstructs& task, const Source& source,
                                             std::uint64_t seed, std::int64_t batch_size = 64,
                                             Device device = {});

/// Hidden values replaced by the mean of the image's visible ones, channel by channel (0, mid-grey, where none is visible).
Tensor mean_fill(const Tensor& original, const Tensor& hidden);
/// Hidden values replaced by the nearest visible one of their channel (Euclidean; ties go to the first in row-major order).
Tensor nearest_fill(const Tensor& original, const Tensor& hidden);
/// SSIM of every value: (N, H, W, C) f32.
Tensor ssim_map(const Tensor& a, const Tensor& b, double range = 2);

}  // namespace lacuna
