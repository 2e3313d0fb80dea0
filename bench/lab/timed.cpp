#include "timed.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/files.h"
#include "../cuda/cases.h"
#include "../cuda/facts.h"
#include "arrays.h"

namespace lacuna::lab {
namespace {

using bench::number;

class Report {
 public:
  Report(const Choice& choice, const std::string& folder, const bench::Roof& roof)
      : choice_(choice), folder_(folder), roof_(roof), json_(bench::facts(roof)) {
    table_ << "| problem, bf16 | rung | us | TFLOP/s | of the floor | from the library's |\n"
              "|---|---|---|---|---|---|\n";
  }

  template <class Args>
  void add(const Problem<Args>& problem) {
    const Device device{DeviceType::cuda};
    const std::string family = Family<Args>::name;
    const double floor = bench::floor_of(roof_, Dtype::bf16, false, problem.flops, problem.bytes());
    const int count = bench::sets_for(static_cast<std::size_t>(problem.bytes()));
    std::vector<std::unique_ptr<Arrays>> sets;
    for (int i = 0; i < count; i++)
      sets.push_back(std::make_unique<Arrays>(device, problem.operands, problem.outputs));
    Arrays best(device, problem.operands, problem.outputs);
    const auto& ladder = Family<Args>::rungs(device.type);
    best.poison();
    ladder.back().run(problem.arguments(best.all()), {});

    std::vector<bench::Contender> contenders;
    for (const Rung<Args>& rung : ladder) {
      if (!choice_.takes(family, rung.name)) continue;
      sets[0]->poison();
      rung.run(problem.arguments(sets[0]->all()), {});
      const double far = difference(*sets[0], best, problem.operands, problem.outputs);
      // Both may be rounded away from each other.
      right_ = right_ && far <= 0x1p-8 + rung.tolerance + ladder.back().tolerance;
      contenders.push_back(
          {rung.name, [&](int set) { rung.run(problem.arguments(sets[set]->all()), {}); }, far});
    }
    for (const bench::Timing& t : bench::race(contenders, count, kSamples)) {
      json_["results"].push_back({{"family", family},
                                  {"problem", problem.name},
                                  {"rung", t.name},
                                  {"flops", problem.flops},
                                  {"bytes", problem.bytes()},
                                  {"floor_seconds", floor},
                                  {"seconds", t.seconds},
                                  {"spread", t.spread},
                                  {"samples", t.samples},
                                  {"from_library", t.error}});
      table_ << "| " << family << ' ' << problem.name << " | " << t.name << " | "
             << number(1e6 * t.seconds, "%.1f") << " | "
             << number(problem.flops / t.seconds / 1e12, "%.2f") << " | "
             << number(floor / t.seconds, "%.4f") << " | " << number(t.error, "%.1e") << " |\n";
    }
    if (folder_.empty())
      return;  // else after each problem: a run that is cut short leaves what it has
    write_file(folder_ + "/lab.json", json_.dump(1) + "\n");
    write_file(folder_ + "/lab.md", table_.str());
  }

  std::string table() const { return table_.str(); }
  bool right() const { return right_; }

 private:
  static constexpr int kSamples = 51;  // less of a rung that takes up to a second
  const Choice& choice_;
  const std::string& folder_;
  bench::Roof roof_;
  nlohmann::ordered_json json_;
  std::ostringstream table_;
  bool right_ = true;
};

}  // namespace

bool time_ladders(const Choice& choice, const std::string& folder, const std::string& roof) {
  Report report(choice, folder,
                roof.empty() ? bench::measure_roof() : bench::roof_of(read_file(roof)));
  each_family([&](auto family) {
    if (choice.family.empty() || choice.family == family.name)
      for (const auto& problem : family.anchors()) report.add(problem);
  });
  std::cout << report.table();
  return report.right();
}

}  // namespace lacuna::lab
