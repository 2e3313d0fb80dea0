// Kernels whose limit is the traffic: each beside a copy of the same machine at the same moment.
#include <lacuna/kernels/batch_norm.h>
#include <lacuna/kernels/copy.h>
#include <lacuna/kernels/cross_entropy.h>
#include <lacuna/kernels/dropout.h>
#include <lacuna/kernels/elementwise.h>
#include <lacuna/kernels/layer_norm.h>
#include <lacuna/kernels/reduce.h>
#include <lacuna/kernels/softmax.h>

#include <memory>

#include "bench.h"
#include "operand.h"

namespace lacuna::bench {
namespace {

// Arrays of a kernel call, made when its turn comes.
class Arrays {
 public:
  Array make(std::initializer_list<std::int64_t> shape, Dtype dtype = Dtype::f32) {
    operands_.push_back(std::make_unique<Operand>());
    return operands_.back()->make(shape, dtype);
  }

 private:
  std::vector<std::unique_ptr<Operand>> operands_;
};

// `args` fills an argument struct from fresh arrays; `bytes` is what the call must move at least.
template <auto Entry, class Args>
void add_kernel(const std::string& name, double bytes, std::function<Args(Arrays&)> args) {
  add(name, "lacuna", {.bytes = bytes}, [args] {
    auto arrays = std::make_shared<Arrays>();
    auto a = std::make_shared<Args>(args(*arrays));
    return std::function<void()>([arrays, a] { run<Entry>(*a, {}); });
  });
}

Array across(Array a, int dim) {  // summed over every dimension but `dim`
  for (int d = 0; d < a.ndim; d++) a.strides[d] = d == dim ? 1 : 0;
  return a;
}

}  // namespace

void add_memory() {
  // 64 MB a tensor: beyond the caches. 8,192 rows of 2,048; as an image, 64 x 32 x 32 x 256.
  constexpr std::int64_t kRows = 8192, kColumns = 2048, kChannels = 256,
                         kPixels = kRows * kColumns / kChannels;
  constexpr double kTensor = 4.0 * kRows * kColumns;
  add_kernel<&KernelTable::copy, Copy>("copy/64MB", 2 * kTensor, [](Arrays& a) {
    return Copy{a.make({kRows, kColumns}), a.make({kRows, kColumns})};
  });
  add_kernel<&KernelTable::fill, Fill>("fill/64MB", kTensor, [](Arrays& a) {
    return Fill{a.make({kRows, kColumns}), 1};
  });
  for (const auto& [name, kind] :
       {std::pair{"relu", UnaryOp::relu}, {"gelu", UnaryOp::gelu}, {"exp", UnaryOp::exp}})
    add_kernel<&KernelTable::unary_forward, UnaryForward>(
        std::string(name) + "/64MB", 2 * kTensor, [kind = kind](Arrays& a) {
          return UnaryForward{kind, a.make({kRows, kColumns}), a.make({kRows, kColumns})};
        });
  add_kernel<&KernelTable::binary_forward, BinaryForward>("add/64MB", 3 * kTensor, [](Arrays& a) {
    return BinaryForward{BinaryOp::add, a.make({kRows, kColumns}), a.make({kRows, kColumns}),
                         a.make({kRows, kColumns})};
  });
  add_kernel<&KernelTable::sum, Sum>("sum_rows/64MB", kTensor, [](Arrays& a) {
    return Sum{across(a.make({kRows, kColumns}), 0), a.make({kRows, kColumns})};
  });
  add_kernel<&KernelTable::sum, Sum>("sum_columns/64MB", kTensor, [](Arrays& a) {
    return Sum{across(a.make({kRows, kColumns}), 1), a.make({kRows, kColumns})};
  });
  add_kernel<&KernelTable::argmax, Argmax>("argmax/64MB", kTensor, [](Arrays& a) {
    return Argmax{a.make({kRows}, Dtype::i64), a.make({kRows, kColumns})};
  });
  add_kernel<&KernelTable::softmax_forward, SoftmaxForward>(
      "softmax/64MB", 2 * kTensor, [](Arrays& a) {
        return SoftmaxForward{a.make({kRows, kColumns}), a.make({kRows, kColumns})};
      });
  add_kernel<&KernelTable::softmax_backward, SoftmaxBackward>(
      "softmax_backward/64MB", 3 * kTensor, [](Arrays& a) {
        return SoftmaxBackward{a.make({kRows, kColumns}), a.make({kRows, kColumns}),
                               a.make({kRows, kColumns})};
      });
  add_kernel<&KernelTable::layer_norm_forward, LayerNormForward>(
      "layer_norm/64MB", 2 * kTensor, [](Arrays& a) {
        return LayerNormForward{a.make({kRows, kColumns}), a.make({kRows, 2}),
                                a.make({kRows, kColumns}), a.make({kColumns}), a.make({kColumns})};
      });
  add_kernel<&KernelTable::layer_norm_backward, LayerNormBackward>(
      "layer_norm_backward/64MB", 3 * kTensor, [](Arrays& a) {
        return LayerNormBackward{a.make({kRows, kColumns}), a.make({kColumns}),
                                 a.make({kColumns}),        a.make({kRows, kColumns}),
                                 a.make({kRows, kColumns}), a.make({kRows, 2}),
                                 a.make({kColumns})};
      });
  add_kernel<&KernelTable::batch_norm_moments,
             BatchNormMoments>("batch_norm_moments/64MB", kTensor, [](Arrays& a) {
    return BatchNormMoments{a.make({kChannels}), a.make({kChannels}), a.make({kPixels, kChannels})};
  });
  add_kernel<&KernelTable::batch_norm_forward, BatchNormForward>(
      "batch_norm/64MB", 2 * kTensor, [](Arrays& a) {
        return BatchNormForward{a.make({kPixels, kChannels}), a.make({kPixels, kChannels}),
                                a.make({kChannels}),          a.make({kChannels}),
                                a.make({kChannels}),          a.make({kChannels})};
      });
  add_kernel<&KernelTable::batch_norm_sums, BatchNormSums>(
      "batch_norm_sums/64MB", 2 * kTensor, [](Arrays& a) {
        return BatchNormSums{a.make({kChannels}),          a.make({kChannels}),
                             a.make({kPixels, kChannels}), a.make({kPixels, kChannels}),
                             a.make({kChannels}),          a.make({kChannels})};
      });
  add_kernel<&KernelTable::batch_norm_backward, BatchNormBackward>(
      "batch_norm_backward/64MB", 3 * kTensor, [](Arrays& a) {
        return BatchNormBackward{a.make({kPixels, kChannels}), a.make({kPixels, kChannels}),
                                 a.make({kPixels, kChannels}), a.make({kChannels}),
                                 a.make({kChannels}),          a.make({kChannels}),
                                 a.make({kChannels}),          a.make({kChannels}),
                                 static_cast<double>(kPixels)};
      });
  add_kernel<&KernelTable::dropout, Dropout>("dropout/64MB", 2 * kTensor, [](Arrays& a) {
    return Dropout{
        a.make({kRows, kColumns}), a.make({kRows, kColumns}), {}, RandomKey::of(1, 2), 0.1};
  });
  add_kernel<&KernelTable::cross_entropy_forward, CrossEntropyForward>(
      "cross_entropy/64MB", kTensor, [](Arrays& a) {
        const Array targets = a.make({kRows}, Dtype::i64);
        for (std::int64_t r = 0; r < kRows; r++) targets.as<std::int64_t>()[r] = r % kColumns;
        return CrossEntropyForward{a.make({}), a.make({kRows, 2}), a.make({}),
                                   a.make({kRows, kColumns}), targets};
      });
}

}  // namespace lacuna::bench
