#pragma once
// The table of `stories`: its words and its lines.
#include <array>
#include <string>
#include <vector>

namespace lacuna::text {

/// What a line may choose (?name) or say ($name).
enum class Slot {
  weather,
  time,
  first,
  second,
  here,  // the scene
  hero,
  need,
  cause,  // who is in need of something, and why
  adjective,
  object,
  there,
  obstacle,  // what helps, where it is, what is in the way
  pace,
  gladly,
  saw,
  kind,
  animal,
  near,
  thing,
  mood,
  beside,
  spot,
  upset,
  sang,
  topic,
  chosen,  // slots before this one are chosen, the rest follow
  friend_ = chosen,
  she,
  tool,
  opened,
  used,
  relief,
  acted,
  count
};

using Story =
    std::array<int, static_cast<std::size_t>(Slot::chosen)>;  // the value of each chosen slot

/// How many values a slot has. One of them may be excluded: -1 where none is.
int values_of(Slot slot);
int excluded_value(Slot slot, const Story& story);
/// The words that a slot stands for in a story, separated by spaces; their number is the same for all values.
std::string words_of(Slot slot, const Story& story);
/// Every word that some slot can stand for, in the order of the tables.
std::vector<std::string> slot_words();

struct StoryLine {
  const char* node;
  double probability;  // those of a node add up to 1
  const char* text;    // words, ?slots and $slots
  const char* next;    // the node that follows; empty at the end
};
const std::vector<StoryLine>& story_lines();
Slot slot_named(const std::string& name);

}  // namespace lacuna::text
