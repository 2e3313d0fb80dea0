// What cuBLASLt is told of a product, without cuBLASLt: the description, multiplied out as a column-major library would,
// gives the product of cpu.
#include <lacuna/kernels/cublaslt.h>

#include "support.h"

namespace lacuna::test {
namespace {

double element(const double* base, const cublaslt::Matrix& m, std::int64_t z, std::int64_t row,
               std::int64_t column) {
  if (m.transposed) std::swap(row, column);
  return base[z * m.step + column * m.leading + row];
}

// out = first second + old, by the definition of cublasLtMatmul.
void library(const cublaslt::Product& p, const double* first, const double* second, double* out) {
  const std::int64_t depth = p.first.transposed ? p.first.rows : p.first.columns;
  ASSERT_EQ(p.second.transposed ? p.second.columns : p.second.rows, depth);
  ASSERT_EQ(p.first.transposed ? p.first.columns : p.first.rows, p.out.rows);
  ASSERT_EQ(p.second.transposed ? p.second.rows : p.second.columns, p.out.columns);
  for (const auto& m : {p.first, p.second, p.out}) ASSERT_GE(m.leading, m.rows);
  for (std::int64_t z = 0; z < p.batch; z++)
    for (std::int64_t j = 0; j < p.out.columns; j++)
      for (std::int64_t i = 0; i < p.out.rows; i++) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; k++)
          sum += element(first, p.first, z, i, k) * element(second, p.second, z, k, j);
        out[z * p.out.step + j * p.out.leading + i] = sum;
      }
}

Array operand(double* data, const Shape& batch, std::int64_t rows, std::int64_t columns,
              bool across) {
  Shape shape = batch;
  shape.insert(shape.end(), {across ? columns : rows, across ? rows : columns});
  const Array a = array(data, shape);
  return across ? transposed(a) : a;
}

}  // namespace

TEST(CublasLt, DescribesTheProduct) {
  const Shape batches[] = {{}, {1}, {3}, {2, 3}, {2, 1, 3}};
  const std::int64_t sizes[][3] = {{4, 5, 6}, {1, 5, 6}, {4, 1, 6},
                                   {4, 5, 1}, {1, 1, 1}, {7, 1, 1}};
  for (const Shape& batch : batches)
    for (const auto& [m, n, k] : sizes)
      for (const bool a_across : {false, true})
        for (const bool b_across : {false, true})
          for (const bool b_repeats : {false, true}) {
            const std::int64_t z = count(batch);
            auto a = random<double>(z * m * k, 1), b = random<double>(z * k * n, 2);
            Buffer<double> want(z * m * n), got(z * m * n);
            Matmul p;
            p.a = operand(a.data(), batch, m, k, a_across);
            p.b = operand(b.data(), batch, k, n, b_across);
            if (b_repeats)
              for (std::size_t d = 0; d < batch.size(); d++) p.b.strides[d] = 0;
            p.c = operand(want.data(), batch, m, n, false);
            run<&KernelTable::matmul>(p, {});
            cublaslt::Product product;
            ASSERT_TRUE(cublaslt::describe(p, product));
            EXPECT_EQ(product.batch, z);
            library(product, b.data(), a.data(), got.data());
            EXPECT_TRUE(got.intact());
            expect_near(got, want, 1e-14, "product");
          }
}

TEST(CublasLt, LeavesTheRestToOurKernel) {
  double data[64] = {};
  Matmul p;
  p.a = operand(data, {2, 2}, 2, 2, false);
  p.b = operand(data, {2, 2}, 2, 2, false);
  p.c = operand(data, {2, 2}, 2, 2, false);
  cublaslt::Product product;
  EXPECT_TRUE(cublaslt::describe(p, product));
  p.epilogue = Epilogue::relu;
  EXPECT_TRUE(cublaslt::describe(p, product));
  p.epilogue = Epilogue::tanh;
  EXPECT_FALSE(cublaslt::describe(p, product));
  p.epilogue = Epilogue::none;
  p.a.strides[0] = 0;  // repeats along one of two dimensions of the batch: no single step
  EXPECT_FALSE(cublaslt::describe(p, product));
  p.a.strides[0] = 8;
  p.a.shape[3] = p.b.shape[2] = 0;  // an empty sum
  EXPECT_FALSE(cublaslt::describe(p, product));
}

TEST(CublasLt, IsRefusedWhereItIsNot) {
  if (cublaslt::linked()) GTEST_SKIP() << "it is in this build";
  EXPECT_THROW(cublaslt::use(true), Error);
  EXPECT_FALSE(cublaslt::used());
}

}  // namespace lacuna::test
