// Normalisation and softmax: their share of the measured copy bandwidth.
#include <cmath>

#include "../../kernels/batch_norm.h"
#include "../../kernels/layer_norm.h"
#include "../../kernels/softmax.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

std::vector<double> row_of(const DeviceArray& a, std::int64_t row, std::int64_t columns) {
  std::vector<double> v;
  for (std::int64_t j = 0; j < columns; j++) v.push_back(a.at(row * columns + j));
  return v;
}

/// f(row, column, index in the result) for some places of a matrix.
template <class F>
Sampled sample(std::int64_t rows, std::int64_t columns, F&& f) {
  Sampled out;
  for (const std::int64_t e : places(rows * columns, 16))
    out.emplace_back(e, f(e / columns, e % columns));
  return out;
}

std::vector<Case> over_rows(std::int64_t rows, std::int64_t columns, Dtype dtype) {
  const double moved = static_cast<double>(rows * columns) * static_cast<double>(size_of(dtype));
  const std::string shape = " " + std::to_string(rows) + "x" + std::to_string(columns);
  const Operand matrix{{rows, columns}, dtype}, row{{columns}, Dtype::f32},
      statistics{{rows, 2}, Dtype::f32, Values::magnitudes};
  std::vector<Case> cases;

  cases.push_back(moves(
      "softmax" + shape, dtype, 2 * moved, {matrix, matrix},
      [](const Arrays& a, How how) {
        call<&KernelTable::softmax_forward>(SoftmaxForward{a[0], a[1]}, how);
      },
      [=](const DeviceArrays& a) {
        return sample(rows, columns, [&](std::int64_t i, std::int64_t j) {
          double total = 0;
          for (const double v : row_of(*a[1], i, columns)) total += std::exp(v);
          return std::exp(a[1]->at(i * columns + j)) / total;
        });
      }));
  cases.back().op = "softmax";

  // y is any: it need not be what forward gives.
  cases.push_back(moves(
      "softmax backward" + shape, dtype, 3 * moved, {matrix, matrix, matrix},
      [](const Arrays& a, How how) {
        call<&KernelTable::softmax_backward>(SoftmaxBackward{a[0], a[1], a[2]}, how);
      },
      [=](const DeviceArrays& a) {
        return sample(rows, columns, [&](std::int64_t i, std::int64_t j) {
          const auto y = row_of(*a[1], i, columns), dy = row_of(*a[2], i, columns);
          double sum = 0;
          for (std::int64_t k = 0; k < columns; k++) sum += dy[k] * y[k];
          return y[j] * (dy[j] - sum);
        });
      }));
  cases.back().op = "softmax_backward";

  cases.push_back(moves(
      "layer_norm" + shape, dtype, 2 * moved, {matrix, statistics, matrix, row, row},
      [](const Arrays& a, How how) {
        call<&KernelTable::layer_norm_forward>(LayerNormForward{a[0], a[1], a[2], a[3], a[4]}, how);
      },
      [=](const DeviceArrays& a) {
        return sample(rows, columns, [&](std::int64_t i, std::int64_t j) {
          const auto x = row_of(*a[2], i, columns);
          const double n = static_cast<double>(columns);
          double mean = 0, variance = 0;
          for (const double v : x) mean += v / n;
          for (const double v : x) variance += (v - mean) * (v - mean) / n;
          return (x[j] - mean) / std::sqrt(variance + 1e-5) * a[3]->at(j) + a[4]->at(j);
        });
      }));
  cases.back().outputs.push_back({1, [=](const DeviceArrays& a) {
                                    Sampled out;
                                    for (const std::int64_t i : places(rows, 8)) {
                                      const auto x = row_of(*a[2], i, columns);
                                      const double n = static_cast<double>(columns);
                                      double mean = 0, variance = 0;
                                      for (const double v : x) mean += v / n;
                                      for (const double v : x)
                                        variance += (v - mean) * (v - mean) / n;
                                      out.emplace_back(2 * i, mean);
                                      out.emplace_back(2 * i + 1, 1 / std::sqrt(variance + 1e-5));
                                    }
                                    return out;
                                  }});
  cases.back().op = "layer_norm_forward";

  // The statistics are any: they need not be those of x.
  cases.push_back(moves(
      "layer_norm backward" + shape, dtype, 3 * moved,
      {matrix, row, row, matrix, matrix, statistics, row},
      [](const Arrays& a, How how) {
        call<&KernelTable::layer_norm_backward>(
            LayerNormBackward{a[0], a[1], a[2], a[3], a[4], a[5], a[6]}, how);
      },
      [=](const DeviceArrays& a) {
        return sample(rows, columns, [&](std::int64_t i, std::int64_t j) {
          const auto dy = row_of(*a[3], i, columns), x = row_of(*a[4], i, columns);
          const double mean = a[5]->at(2 * i), rstd = a[5]->at(2 * i + 1),
                       n = static_cast<double>(columns);
          double g = 0, along = 0;
          for (std::int64_t k = 0; k < columns; k++) {
            g += dy[k] * a[6]->at(k) / n;
            along += dy[k] * a[6]->at(k) * (x[k] - mean) * rstd / n;
          }
          return rstd * (dy[j] * a[6]->at(j) - g - (x[j] - mean) * rstd * along);
        });
      }));
  // The parameters' gradients are sums over all rows.
  const auto over_all_rows = [=](bool of_gamma) {
    return [=](const DeviceArrays& a) {
      Sampled out;
      for (const std::int64_t j : places(columns, 2)) {
        double sum = 0;
        for (std::int64_t i = 0; i < rows; i++) {
          const std::int64_t e = i * columns + j;
          sum +=
              a[3]->at(e) * (of_gamma ? (a[4]->at(e) - a[5]->at(2 * i)) * a[5]->at(2 * i + 1) : 1);
        }
        out.emplace_back(j, sum);
      }
      return out;
    };
  };
  cases.back().outputs.push_back({1, over_all_rows(true)});
  cases.back().outputs.push_back({2, over_all_rows(false)});
  cases.back().op = "layer_norm_backward";
  return cases;
}

/// Sum over the rows of f(index) for the last channel, which is the last of the result.
template <class F>
Sampled last_channel(std::int64_t rows, std::int64_t channels, F&& f) {
  double sum = 0;
  for (std::int64_t i = 0; i < rows; i++) sum += f((i + 1) * channels - 1);
  return {{channels - 1, sum}};
}

// Of images, the pixels of which are rows.
std::vector<Case> batch_norm(std::int64_t images, std::int64_t size, std::int64_t channels) {
  const Dtype dtype = Dtype::bf16;
  const std::int64_t rows = images * size * size;
  const double moved = 2.0 * static_cast<double>(rows * channels);
  const std::string shape = " " + std::to_string(images) + "x" + std::to_string(size) + "x" +
                            std::to_string(size) + "x" + std::to_string(channels);
  const Operand x{{images, size, size, channels}, dtype}, channel{{channels}, Dtype::f32},
      positive{{channels}, Dtype::f32, Values::magnitudes};
  std::vector<Case> cases;

  cases.push_back(moves(
      "batch_norm moments" + shape, dtype, moved, {channel, channel, x},
      [](const Arrays& a, How how) {
        call<&KernelTable::batch_norm_moments>(BatchNormMoments{a[1], a[0], a[2]}, how);
      },
      [=](const DeviceArrays& a) {
        const double mean =
            last_channel(rows, channels, [&](std::int64_t e) { return a[2]->at(e); })[0].second /
            static_cast<double>(rows);
        return last_channel(rows, channels, [&](std::int64_t e) {
          return (a[2]->at(e) - mean) * (a[2]->at(e) - mean);
        });
      }));
  cases.back().outputs.push_back(
      {1, [=](const DeviceArrays& a) {
         const auto sum = last_channel(rows, channels, [&](std::int64_t e) { return a[2]->at(e); });
         return Sampled{{sum[0].first, sum[0].second / static_cast<double>(rows)}};
       }});

  cases.push_back(moves(
      "batch_norm forward" + shape, dtype, 2 * moved, {x, x, channel, positive, channel, channel},
      [](const Arrays& a, How how) {
        call<&KernelTable::batch_norm_forward>(BatchNormForward{a[0], a[1], a[2], a[3], a[4], a[5]},
                                               how);
      },
      [=](const DeviceArrays& a) {
        return sample(rows, channels, [&](std::int64_t i, std::int64_t c) {
          return (a[1]->at(i * channels + c) - a[2]->at(c)) * a[3]->at(c) * a[4]->at(c) +
                 a[5]->at(c);
        });
      }));

  cases.push_back(moves(
      "batch_norm sums" + shape, dtype, 2 * moved, {channel, channel, x, x, channel, positive},
      [](const Arrays& a, How how) {
        call<&KernelTable::batch_norm_sums>(BatchNormSums{a[0], a[1], a[2], a[3], a[4], a[5]}, how);
      },
      [=](const DeviceArrays& a) {
        const std::int64_t c = channels - 1;
        return last_channel(rows, channels, [&](std::int64_t e) {
          return a[2]->at(e) * (a[3]->at(e) - a[4]->at(c)) * a[5]->at(c);
        });
      }));
  cases.back().outputs.push_back(
      {1, [=](const DeviceArrays& a) {
         return last_channel(rows, channels, [&](std::int64_t e) { return a[2]->at(e); });
       }});

  cases.push_back(moves(
      "batch_norm backward" + shape, dtype, 3 * moved,
      {x, x, x, channel, positive, channel, channel, channel},
      [rows](const Arrays& a, How how) {
        call<&KernelTable::batch_norm_backward>(
            BatchNormBackward{a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
                              static_cast<double>(rows)},
            how);
      },
      [=](const DeviceArrays& a) {
        return sample(rows, channels, [&](std::int64_t i, std::int64_t c) {
          const std::int64_t e = i * channels + c;
          const double rstd = a[4]->at(c), xhat = (a[2]->at(e) - a[3]->at(c)) * rstd,
                       n = static_cast<double>(rows);
          return a[5]->at(c) * rstd * (a[1]->at(e) - a[7]->at(c) / n - xhat * a[6]->at(c) / n);
        });
      }));
  return cases;
}

}  // namespace

std::vector<Case> norm_cases(bool small) {
  std::vector<Case> all;
  const auto add = [&](std::vector<Case> cases) {
    for (Case& c : cases) all.push_back(std::move(c));
  };
  for (const Dtype dtype : {Dtype::bf16, Dtype::f32})
    if (small) {
      add(over_rows(40, 768, dtype));
    } else {
      add(over_rows(65536, 768, dtype));
      add(over_rows(16384, 4096, dtype));
    }
  if (small) {
    add(batch_norm(4, 14, 64));
  } else {
    add(batch_norm(256, 56, 64));
    add(batch_norm(256, 14, 256));
  }
  return all;
}

}  // namespace lacuna::bench
