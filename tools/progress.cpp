#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "format.h"
#include "pictures.h"
#include "text_samples.h"

namespace lacuna::tools {
namespace {

volatile std::sig_atomic_t signal_number = 0;
void on_signal(int number) { signal_number = number; }

int terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string pairs(const Metrics& metrics, std::initializer_list<const char*> without) {
  std::string text;
  for (const auto& [name, value] : metrics) {
    if (std::find_if(without.begin(), without.end(), [&](const char* w) { return name == w; }) !=
        without.end())
      continue;
    text += fmt::format("  {} {}", name, figure(value));
  }
  return text;
}

// A reader of the progress who has gone away is no reason to stop a run.
void say(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

double metric(const Metrics& metrics, const char* name) {
  for (const auto& [n, value] : metrics)
    if (n == name) return value;
  return std::nan("");
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second one kills
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // `lacuna train | head` trains to the end
}

int interrupt_signal() { return signal_number; }

Progress::Progress(std::int64_t batch_size, std::int64_t steps_per_epoch, std::string samples,
                   bool quiet, std::function<std::string()> samples_text)
    : batch_size_(batch_size),
      steps_per_epoch_(std::max<std::int64_t>(steps_per_epoch, 1)),
      samples_(std::move(samples)),
      quiet_(quiet),
      bar_(!quiet && isatty(STDOUT_FILENO)),
      samples_text_(std::move(samples_text)) {}

Progress::~Progress() {
  if (bar_ && step_ > first_) say("\r\x1b[K");
}

double Progress::since_start() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void Progress::started(std::int64_t step, std::int64_t steps) {
  first_ = step_ = step;
  steps_ = steps;
  start_ = drawn_ = Clock::now();
  if (step > 0) line(fmt::format("resumed at step {} of {}", grouped(step), grouped(steps)));
}

void Progress::stepped(std::int64_t step, double loss) {
  smooth_ = step_ == first_ ? loss : smooth_ + 0.02 * (loss - smooth_);
  step_ = step;
  if (!bar_ || Clock::now() - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = Clock::now();
  draw(smooth_);
}

void Progress::draw(double loss) {
  const double share = steps_ > 0 ? static_cast<double>(step_) / static_cast<double>(steps_) : 1;
  const double each =
      since_start() / static_cast<double>(std::max<std::int64_t>(step_ - first_, 1));
  const std::string head =
      fmt::format("epoch {}/{} ", std::max<std::int64_t>(step_ - 1, 0) / steps_per_epoch_ + 1,
                  (steps_ + steps_per_epoch_ - 1) / steps_per_epoch_);
  const std::string tail =
      fmt::format(" {:3.0f}%  loss {}  {}/s  {} left", 100 * share, figure(loss),
                  grouped(std::llround(static_cast<double>(batch_size_) / std::max(each, 1e-9))),
                  duration(each * static_cast<double>(steps_ - step_)));
  const int room =
      std::min<int>(terminal_width() - static_cast<int>(head.size() + tail.size()) - 3, 40);
  std::string bar;
  if (room >= 5) {
    const int full = static_cast<int>(share * room);
    bar = fmt::format("[{:=<{}}{:<{}}]", "", full, full < room ? ">" : "", room - full);
  }
  say("\r\x1b[K" + head + bar + tail);
}

void Progress::line(const std::string& text) {
  if (!quiet_) say((bar_ ? "\r\x1b[K" : "") + text + "\n");
}

void Progress::logged(const Metrics& metrics) {
  if (bar_) return;
  const double each =
      since_start() / static_cast<double>(std::max<std::int64_t>(step_ - first_, 1));
  line(fmt::format("step {}/{}{}  {}/s  {} left", grouped(step_), grouped(steps_),
                   pairs(metrics, {"step", "seconds", "samples_per_second"}),
                   grouped(std::llround(metric(metrics, "samples_per_second"))),
                   duration(each * static_cast<double>(steps_ - step_))));
}

void Progress::evaluated(const Metrics& metrics) {
  line(fmt::format("validation at step {}:{}", grouped(step_),
                   pairs(metrics, {"step", "epoch", "seconds"})));
}

void Progress::epoch_ended(std::int64_t epoch, double mean_loss) {
  line(fmt::format("epoch {} done: mean loss {}", epoch, figure(mean_loss)));
}

void Progress::show(std::int64_t step) {
  if (samples_text_) write_text_samples(samples_, step, samples_text_());
}

void Progress::pictures(std::int64_t step, const std::vector<Picture>& pictures) {
  write_picture_grid(samples_, step, pictures);
}

void Progress::warned(const std::string& text) {
  fmt::print(stderr, "{}lacuna: warning: {}\n", bar_ ? "\r\x1b[K" : "", text);
}

bool Progress::interrupted() { return signal_number != 0; }

}  // namespace lacuna::tools
