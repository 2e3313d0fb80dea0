// Drawing views, on cpu.
//   traffic      16 bytes read, 64 written a view
//   determinism  a view depends on its sample and number alone
#include "../augment_image_draw.h"

#include "parallel.h"

namespace lacuna::cpu {

void augment_image_draw(const AugmentImageDraw& a, Stream) {
  const ViewDraws draws(a);
  const std::int64_t samples = a.ids.dim(0);
  parallel_for(a.views.dim(0), grain_for(300), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; row++)
      a.views.as<View>()[row] = draw_row(draws, a.ids.as<std::int64_t>(), samples, row);
  });
}

}  // namespace lacuna::cpu
