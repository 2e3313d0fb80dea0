#pragma once
// What a training run shows while it runs: on a terminal a bar with rate, loss and time left; elsewhere one plain line a
// logged step. Also where Ctrl-C arrives.
#include <chrono>
#include <functional>
#include <string>

#include "../ssl/trainer.h"

namespace lacuna::tools {

class Progress : public Observer {
 public:
  /// `samples` is where pictures go, a folder that is made when the first one comes.
  /// `samples_text`, where given, makes the text that is kept in `samples` at each validation.
  Progress(std::int64_t batch_size, std::int64_t steps_per_epoch, std::string samples, bool quiet,
           std::function<std::string()> samples_text = nullptr);
  ~Progress() override;

  void started(std::int64_t step, std::int64_t steps) override;
  void stepped(std::int64_t step, double loss) override;
  void logged(const Metrics& metrics) override;
  void evaluated(const Metrics& metrics) override;
  void epoch_ended(std::int64_t epoch, double mean_loss) override;
  void show(std::int64_t step) override;
  void pictures(std::int64_t step, const std::vector<Picture>& pictures) override;
  void warned(const std::string& line) override;
  bool interrupted() override;

 private:
  using Clock = std::chrono::steady_clock;
  double since_start() const;
  void draw(double loss);
  void line(const std::string& text);  // above the bar

  std::int64_t batch_size_, steps_per_epoch_;
  std::string samples_;
  bool quiet_, bar_;
  std::function<std::string()> samples_text_;
  Clock::time_point start_, drawn_;
  std::int64_t first_ = 0, step_ = 0, steps_ = 0;
  double smooth_ = 0;  // the loss as the bar shows it
};

/// From now on SIGINT and SIGTERM ask the run to stop with a checkpoint; a second one ends it at once.
void catch_interrupts();
/// The signal that came, or 0.
int interrupt_signal();

}  // namespace lacuna::tools
