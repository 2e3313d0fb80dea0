#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "../../core/files.h"
#include "../../core/lines.h"
#include "../bags.h"
#include "files.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
constexpr const char* kBagsOp = "bags";

struct Picture {
  std::string patient, bag, label, file;
  std::int64_t line = 0;  // of the table
};

std::vector<Picture> read_folders(const std::string& place) {
  std::vector<Picture> all;
  for (const auto& patient : folders_in(place)) {
    std::vector<std::string> bags = folders_in(patient);
    bags.push_back(patient);
    for (const auto& bag : bags)
      for (const auto& file : images_in(bag)) all.push_back({patient, bag, "", file});
  }
  LACUNA_CHECK(!all.empty(), kBagsOp,
               "needs .png, .jpg or .jpeg files in one folder a patient: found none in ", place);
  return all;
}

// All pictures have a label, or none has.
void check_labels(const std::vector<Picture>& all, const std::string& path) {
  const auto blank = [](const Picture& p) { return is_blank(p.label); };
  const auto without = std::find_if(all.begin(), all.end(), blank),
             with = std::find_if_not(all.begin(), all.end(), blank);
  LACUNA_CHECK(without == all.end() || with == all.end(), kBagsOp, "line ", without->line,
               " has no label, but line ", with->line, " has \"", with->label,
               "\": a table has labels on all lines or on none: ", path);
}

// In words, where a bag has pictures of two labels; else "".
std::string mixed_labels(const std::vector<Picture>& all) {
  std::map<std::string, const Picture*> firsts;
  std::set<std::string> mixed;
  std::string example;
  for (const Picture& p : all) {
    const Picture& first = *firsts.emplace(p.bag, &p).first->second;
    if (p.label == first.label || !mixed.insert(p.bag).second || mixed.size() > 1) continue;
    example = "line " + std::to_string(first.line) + " \"" + first.label + "\" and line " +
              std::to_string(p.line) + " \"" + p.label + "\"";
  }
  if (mixed.empty()) return "";
  return std::to_string(mixed.size()) + " of " + std::to_string(firsts.size()) +
         " bags have pictures of more than one label (" + example +
         "): a sample has that of its first picture alone";
}

std::vector<Picture> read_table(const std::string& path) {
  const std::string text = read_file(path);
  const fs::path folder = fs::path(path).parent_path();
  std::vector<Picture> all;
  std::map<std::string, std::size_t, std::less<>> columns;
  std::size_t width = 0;
  const auto column = [&](const char* name) {
    const auto it = columns.find(name);
    return it == columns.end() ? width : it->second;
  };
  each_line(text, [&](std::int64_t number, std::string_view line) {
    if (is_blank(line)) return;
    const auto fields = fields_of(line, "\t");
    if (columns.empty()) {
      width = fields.size();
      for (std::size_t i = 0; i < width; i++) columns.emplace(fields[i], i);
      LACUNA_CHECK(columns.count("bag") && columns.count("path"), kBagsOp,
                   "the table's first line must name its columns, bag and path among them: got \"",
                   line, "\" in ", path);
      return;
    }
    LACUNA_CHECK(fields.size() == width, kBagsOp, "line ", number, " must have ", width,
                 " fields, as the first has: got ", fields.size(), " in ", path);
    const auto value = [&](const char* name) {
      const std::size_t i = column(name);
      return i < width ? std::string(fields[i]) : std::string();
    };
    Picture p{value("patient"), value("bag"), value("label"), (folder / value("path")).string(),
              number};
    if (column("patient") == width) p.patient = p.bag;
    LACUNA_CHECK(!p.bag.empty() && !p.patient.empty() && !value("path").empty(), kBagsOp, "line ",
                 number, " must say its bag, path and patient: got \"", line, "\" in ", path);
    p.bag = p.patient + "\t" + p.bag;
    all.push_back(std::move(p));
  });
  LACUNA_CHECK(!all.empty(), kBagsOp, "the table must have lines below its header: ", path);
  check_labels(all, path);
  return all;
}

// Numbers for names, in order of their first appearance.
class Numbers {
 public:
  std::size_t of(const std::string& name) { return all_.emplace(name, all_.size()).first->second; }
  std::size_t size() const { return all_.size(); }

 private:
  std::map<std::string, std::size_t> all_;
};

}  // namespace

BagFiles open_bag_files(const std::string& place, const ImageFolderOptions& options, bool train,
                        double test) {
  std::error_code error;
  const auto all = fs::is_directory(place, error) ? read_folders(place) : read_table(place);
  Numbers patients;
  for (const Picture& p : all) patients.of(p.patient);
  const auto count = static_cast<double>(patients.size());
  const auto held_out = static_cast<std::size_t>(std::ceil(count * test));
  const std::size_t first_of_test = patients.size() - held_out;
  LACUNA_CHECK(test == 0 || first_of_test > 0, kBagsOp, "test=", test, " leaves none of the ",
               patients.size(), " patients to train on: ", place);

  ImageFiles files;
  files.name = "bags:" + place + (test == 0 ? "" : train ? " (train)" : " (test)");
  std::map<std::string, std::int64_t> classes;  // in order of names, the same for both splits
  for (const Picture& p : all) classes.emplace(p.label, 0);
  const bool labelled = !is_blank(classes.begin()->first);
  for (auto& [name, number] : classes) {
    number = static_cast<std::int64_t>(files.classes.size());
    if (labelled) files.classes.push_back(name);
  }
  Bags bags;
  std::vector<Picture> mine;
  Numbers bag_numbers, patient_numbers;
  for (const Picture& p : all) {
    if (test > 0 && (patients.of(p.patient) < first_of_test) != train) continue;
    const std::size_t patient = patient_numbers.of(p.patient), bag = bag_numbers.of(p.bag);
    if (patient == bags.patients.size()) bags.patients.emplace_back();
    if (bag == bags.pictures.size()) {
      bags.pictures.emplace_back();
      bags.patients[patient].push_back(static_cast<std::int64_t>(bag));
    }
    bags.pictures[bag].push_back(static_cast<std::int64_t>(files.files.size()));
    files.files.push_back(p.file);
    mine.push_back(p);
    if (labelled) files.labels.push_back(classes[p.label]);
  }
  bags.left_out = mixed_labels(mine);
  return {open_image_files(std::move(files), options), std::move(bags)};
}

}  // namespace lacuna
