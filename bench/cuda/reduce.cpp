// Reductions of a matrix: their share of the measured copy bandwidth.
#include "../../kernels/reduce.h"

#include "cases.h"

namespace lacuna::bench {
namespace {

std::string name_of(const char* what, std::int64_t rows, std::int64_t columns) {
  return std::string(what) + " " + std::to_string(rows) + "x" + std::to_string(columns);
}

double bytes_of(std::int64_t rows, std::int64_t columns, Dtype dtype) {
  return static_cast<double>(rows * columns) * static_cast<double>(size_of(dtype));
}

/// Over the rows (as the gradient of a bias), over the columns, or over both. Of magnitudes: they do not cancel.
enum class Over { rows, columns, both };
Case sum(Over over, std::int64_t rows, std::int64_t columns, Dtype dtype) {
  const std::int64_t left = over == Over::rows ? columns : over == Over::columns ? rows : 1;
  Case c = moves(
      name_of(over == Over::rows      ? "sum over rows"
              : over == Over::columns ? "sum over columns"
                                      : "sum",
              rows, columns),
      dtype, bytes_of(rows, columns, dtype) + 4 * static_cast<double>(left),
      {{{left}, Dtype::f32}, {{rows, columns}, dtype, Values::magnitudes}},
      [over](const Arrays& a, How how) {
        Array y = a[1];
        y.dtype = Dtype::f32, y.data = a[0].data;
        y.strides[0] = over == Over::columns, y.strides[1] = over == Over::rows;
        call<&KernelTable::sum>(Sum{y, a[1]}, how);
      },
      [=](const DeviceArrays& a) {
        Sampled out;
        for (const std::int64_t e : places(left, left == 1 ? 1 : 8)) {
          double total = 0;
          if (over == Over::rows)
            for (std::int64_t i = 0; i < rows; i++) total += a[1]->at(i * columns + e);
          else
            for (std::int64_t i = 0; i < rows * columns / left; i++)
              total += a[1]->at(e * columns + i);
          out.emplace_back(e, total);
        }
        return out;
      });
  c.op = "sum";
  c.settings = {{"over", static_cast<double>(over)}};
  return c;
}

Case argmax(std::int64_t rows, std::int64_t columns, Dtype dtype) {
  Case c = moves(
      name_of("argmax", rows, columns), dtype,
      bytes_of(rows, columns, dtype) + 8 * static_cast<double>(rows),
      {{{rows}, Dtype::i64}, {{rows, columns}, dtype}},
      [](const Arrays& a, How how) {
        call<&KernelTable::argmax>(Argmax{a[0], a[1]}, how);
      },
      [=](const DeviceArrays& a) {
        Sampled out;
        for (const std::int64_t row : places(rows, 32)) {
          std::int64_t best = 0;
          for (std::int64_t j = 1; j < columns; j++)
            if (a[1]->at(row * columns + j) > a[1]->at(row * columns + best)) best = j;
          out.emplace_back(row, static_cast<double>(best));
        }
        return out;
      });
  c.op = "argmax";
  return c;
}

}  // namespace

std::vector<Case> reduce_cases(bool small) {
  const std::int64_t rows = small ? 300 : 65536, columns = 768;
  std::vector<Case> cases;
  for (const Dtype dtype : {Dtype::bf16, Dtype::f32}) {
    for (const Over over : {Over::rows, Over::columns, Over::both})
      cases.push_back(sum(over, rows, columns, dtype));
    cases.push_back(argmax(rows, columns, dtype));
  }
  return cases;
}

}  // namespace lacuna::bench
