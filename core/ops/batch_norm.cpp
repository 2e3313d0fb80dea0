// Batch normalisation; formulas in kernels/batch_norm.h.
#include "batch_norm.h"

#include "../../kernels/batch_norm.h"
#include "../tape.h"
#include "elementwise.h"
#include "shape.h"
#include "window.h"

namespace lacuna {
namespace {

struct BatchNormAttributes {
  double count;      // rows over all ranks
  const Comm* comm;  // null where mean and rstd are constants
  Epilogue activation;
};

Tensor batch_norm_forward(const Tensor& x, const Tensor& mean, const Tensor& rstd,
                          const Tensor& gamma, const Tensor& beta, Epilogue activation,
                          const Tensor& residual) {
  const Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  run<&KernelTable::batch_norm_forward>(
      BatchNormForward{y.array(), x.array(), mean.array(), rstd.array(), gamma.array(),
                       beta.array(), residual.array(), activation == Epilogue::relu},
      x.device());
  return y;
}

// Saved: x, mean, rstd, gamma, y where a residual and an activation made it, beta.
Tensor remake_batch_norm(const Node& node) {
  const Saved& s = node.saved;
  return batch_norm_forward(s[0], s[1], s[2], s[3], s[5],
                            s.attributes<BatchNormAttributes>().activation, {});
}

Gradients batch_norm_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<BatchNormAttributes>();
  dy = contiguous(dy);
  const Tensor &x = saved[0], &mean = saved[1], &rstd = saved[2], &gamma = saved[3], &y = saved[4],
               &beta = saved[5];
  if (y.defined()) dy = detail::before_epilogue(at.activation, std::move(dy), y);
  const bool relu = at.activation == Epilogue::relu && !y.defined();
  Tensor dx, dgamma, dbeta;
  if (needs[1] || needs[2] || at.comm) {
    dgamma = Tensor::empty(mean.shape(), mean.dtype(), mean.device());
    dbeta = Tensor::empty(mean.shape(), mean.dtype(), mean.device());
    run<&KernelTable::batch_norm_sums>(
        BatchNormSums{dgamma.array(), dbeta.array(), dy.array(), x.array(), mean.array(),
                      rstd.array(), relu, gamma.array(), beta.array()},
        x.device());
  }
  if (needs[0]) {
    // dx needs the sums of all ranks; gamma and beta get this rank's share, as every parameter does.
    Tensor all_gamma, all_beta;
    if (at.comm) {
      all_gamma = dgamma;
      all_beta = dbeta;
      if (at.comm->size() > 1) {
        all_gamma = dgamma.clone();
        all_beta = dbeta.clone();
        at.comm->all_reduce_sum(all_gamma);
        at.comm->all_reduce_sum(all_beta);
      }
    }
    dx = needs[3] ? Tensor::empty(dy.shape(), dy.dtype(), dy.device()) : reuse_or_empty(dy);
    run<&KernelTable::batch_norm_backward>(
        BatchNormBackward{dx.array(), dy.array(), x.array(), mean.array(), rstd.array(),
                          gamma.array(), all_gamma.array(), all_beta.array(), at.count, relu,
                          beta.array()},
        x.device());
  }
  return {dx, needs[1] ? dgamma : Tensor(), needs[2] ? dbeta : Tensor(), needs[3] ? dy : Tensor()};
}

struct BatchMoments : ChannelMoments {  // over all ranks
  double count = 1;
};

BatchMoments batch_moments(const Tensor& x, const ChannelMoments& given, const Comm& comm) {
  BatchMoments m{given};
  for (int d = 0; d + 1 < x.ndim(); d++) m.count *= static_cast<double>(x.dim(d));
  if (!given.mean.defined()) {
    const Dtype dtype = statistics_dtype(x.dtype());
    for (Tensor* t : {&m.mean, &m.centred}) *t = Tensor::empty({x.dim(-1)}, dtype, x.device());
    run<&KernelTable::batch_norm_moments>(
        BatchNormMoments{m.mean.array(), m.centred.array(), x.array()}, x.device());
  }
  if (comm.size() == 1) return m;
  const double own = m.count;
  const Tensor own_mean = m.mean;
  Tensor count = Tensor::scalar(own, Dtype::f64);
  comm.all_reduce_sum(count);
  m.count = count.item();
  m.mean = own_mean * own;
  comm.all_reduce_sum(m.mean);
  m.mean = m.mean / m.count;
  m.centred = m.centred + square(own_mean - m.mean) * own;  // about the mean of all ranks
  comm.all_reduce_sum(m.centred);
  return m;
}

void update(Tensor& running, const Tensor& batch, double momentum) {
  if (running.defined()) running.copy_from(running * (1 - momentum) + batch * momentum);
}

}  // namespace

Tensor batch_norm(const Tensor& input, const Tensor& gamma, const Tensor& beta, Tensor running_mean,
                  Tensor running_var, const Context& ctx, const BatchNormOptions& options,
                  const ChannelMoments& moments, const Tensor& shortcut) {
  const char* op = "batch_norm";
  LACUNA_CHECK(input.defined() && input.ndim() >= 2, op, "x must be (..., channels): got ",
               describe("x", input));
  LACUNA_CHECK(running_mean.defined() == running_var.defined(), op,
               "running mean and variance come together: got ",
               describe("running_mean", running_mean), ", ", describe("running_var", running_var));
  LACUNA_CHECK(options.activation == Epilogue::none || options.activation == Epilogue::relu, op,
               "ends with relu or nothing");
  LACUNA_CHECK(!shortcut.defined() || shortcut.shape() == input.shape(), op,
               "residual must have x's shape: got ", describe("residual", shortcut), ", ",
               describe("x", input));
  const Tensor residual = shortcut.defined() ? contiguous(shortcut) : shortcut;
  const Tensor x = contiguous(input), scale = gamma.defined() ? contiguous(gamma) : gamma,
               shift = beta.defined() ? contiguous(beta) : beta;
  const bool of_batch = ctx.training || !running_mean.defined();
  Tensor mean, rstd;
  BatchNormAttributes at{1, nullptr, options.activation};
  {
    NoGrad guard;
    if (of_batch) {
      const BatchMoments m = batch_moments(x, moments, *ctx.comm);
      LACUNA_CHECK(m.count > 1, op,
                   "the batch's statistics need more than one value a channel: got ",
                   describe("x", x));
      at.count = m.count;
      at.comm = ctx.comm;
      mean = m.mean;
      rstd = rsqrt(m.centred / m.count + options.eps);
      if (ctx.training && !recomputing()) {
        update(running_mean, mean, options.momentum);
        update(running_var, m.centred / (m.count - 1), options.momentum);
      }
    } else {
      mean = contiguous(running_mean.detach());
      rstd = rsqrt(running_var.detach() + options.eps);
    }
  }
  const Tensor y = batch_norm_forward(x, mean, rstd, scale, shift, options.activation, residual);
  const bool keeps = residual.defined() && options.activation != Epilogue::none;
  return record(op, y, {x, scale, shift, residual},
                Saved{x, mean, rstd, scale, keeps ? y : Tensor(), shift}.with(at).last_for_remake(
                    options.activation == Epilogue::none || keeps),
                batch_norm_backward, residual.defined() ? nullptr : remake_batch_norm);
}

}  // namespace lacuna
