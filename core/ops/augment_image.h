#pragma once
#include <span>

#include "../../kernels/augment_image.h"
#include "../context.h"

namespace lacuna {

/// `views` random views of each picture (N, H, W, C) u8, C 1 or 3: (views * N, h, w, C) in [0, 1], all first views before all
/// second ones. kernels/augment_image.h says what a recipe does. What happens to a view depends on (context.seed, epoch,
/// sample, view) only, with the same bits on every device, whatever the batch. Not differentiable.
///   samples    of each picture: its id in the data set
///   dtype      f32; bf16 on cuda and emu, f64 on cpu
Tensor augment_image(const Context& context, const Tensor& images,
                     std::span<const std::int64_t> samples, const Augmentation& recipe,
                     std::int64_t epoch, int views, Dtype dtype = Dtype::f32);
/// The same with ids (N, 2) i64 on the device, as Context::ids: sample and first view of each picture, the v-th being
/// ids[n][1] + v. Nothing comes from the host, so that a step with it can be recorded (core/graph.h).
Tensor augment_image(const Context& context, const Tensor& images, const Tensor& ids,
                     const Augmentation& recipe, std::int64_t epoch, int views,
                     Dtype dtype = Dtype::f32);

/// The first half of augment_image(): what happens to each view of pictures (.., H, W, ..): (views * N, 16) f32, rows of View.
Tensor draw_views(const Context& context, const Tensor& ids, std::int64_t height,
                  std::int64_t width, const Augmentation& recipe, std::int64_t epoch, int views);
/// The second half. Of the recipe only sizes count: what has no draws.
Tensor apply_views(const Tensor& images, const Tensor& views, const Augmentation& recipe,
                   Dtype dtype = Dtype::f32);

/// SimCLR's recipe for square views (Chen et al. 2020, appendix A): crop, flip, jitter of `strength` with probability 0.8,
/// grey, blur with probability 1/2. Theirs for ImageNet is (224, 1, true), for CIFAR-10 (32, 0.5, false).
Augmentation simclr_augmentation(std::int64_t size, double strength, bool blur);

}  // namespace lacuna
