#include "story_lines.h"

#include <algorithm>
#include <iterator>

#include "../../kernels/error.h"

namespace lacuna::text {
namespace {

using Words = std::vector<const char*>;

// The first twelve are women.
const Words kNames = {"anna", "clara", "emma", "julia", "lena", "mara",  "nora",  "olga",
                      "rosa", "sara",  "tina", "vera",  "adam", "boris", "carl",  "david",
                      "emil", "felix", "hugo", "ivan",  "leo",  "max",   "oscar", "paul"};
constexpr int kWomen = 12;
const Words kWeather = {"sunny", "rainy", "windy", "foggy", "snowy", "quiet"};
const Words kTimes = {"morning", "noon", "evening", "night"};
const Words kPlaces = {"kitchen", "garden", "barn",   "library", "market",
                       "harbor",  "forest", "school", "tower",   "mill"};
const Words kAdjectives = {"old", "new", "big", "small", "red", "blue", "green", "white"};
const Words kPaces = {"slowly", "quickly", "quietly", "proudly", "carefully", "bravely"};
const Words kGladly = {"gladly", "happily", "eagerly", "calmly"};
const Words kSaw = {"saw", "heard", "followed", "fed"};
const Words kAnimals = {"dog", "cat", "fox", "hare", "duck", "goat", "owl", "crow"};
const Words kNear = {"near", "behind", "under", "beside"};
const Words kThings = {"tree", "fence", "well", "wall", "gate", "cart", "bench", "bridge"};
const Words kUpset = {"sad", "angry", "worried"};
const Words kSang = {"sang", "talked", "laughed", "dreamed"};

struct Need {
  const char* feeling;
  Words causes, objects;
  const char *used, *relief;
};
const std::vector<Need> kNeeds = {
    {"hungry",
     {"had no breakfast", "had walked far", "had worked hard"},
     {"apple", "bread", "cheese"},
     "ate",
     "full"},
    {"thirsty",
     {"had run far", "had eaten salt", "had sung loudly"},
     {"milk", "juice", "tea"},
     "drank",
     "fresh"},
    {"cold",
     {"had no shoes", "had swum far", "had slept outside"},
     {"coat", "blanket", "scarf"},
     "wore",
     "warm"},
    {"bored",
     {"had no games", "had waited long", "had finished everything"},
     {"ball", "kite", "drum"},
     "enjoyed",
     "merry"},
    {"afraid",
     {"had heard thunder", "had dreamed badly", "had seen shadows"},
     {"lamp", "candle", "torch"},
     "lit",
     "safe"},
    {"curious",
     {"had found riddles", "had heard secrets", "had seen maps"},
     {"book", "letter", "diary"},
     "read",
     "wise"},
};

struct Obstacle {
  const char *name, *tool, *opened;
};
const std::vector<Obstacle> kObstacles = {{"locked", "key", "opened"},
                                          {"high", "ladder", "climbed"},
                                          {"distant", "horse", "reached"},
                                          {"flooded", "boat", "entered"}};

struct Mood {
  const char *name, *acted;
};
const std::vector<Mood> kMoods = {
    {"shy", "hid"}, {"tired", "slept"}, {"wild", "jumped"}, {"friendly", "stayed"}};

// The tool goes with the hero alone, with both, or with the friend alone. It may be lost, which the end remembers.
const std::vector<StoryLine> kLines = {
    {"scene", 1, "one ?weather ?time ?first and ?second were in the ?here .", "need"},
    {"need", 1, "?hero was ?need because $she ?cause .", "want"},
    {"want", 1, "so $she wanted the ?adjective ?object in the ?obstacle ?there .", "help"},
    {"help", 0.4, "$friend had a $tool and gave it to $hero .", "hero"},
    {"help", 0.3, "$friend had a $tool and came along .", "both"},
    {"help", 0.3, "$friend had a $tool and went alone .", "friend"},

    {"hero", 1, "so $hero ?pace $opened the $there with the $tool .", "hero sees"},
    {"hero sees", 0.5, "there $hero ?saw a ?kind ?animal ?near the ?thing .", "hero stops"},
    {"hero sees", 0.5, "", "hero finds"},
    {"hero stops", 1, "the $kind $animal was ?mood and $acted .", "hero finds"},
    {"hero finds", 1, "there $hero found the $adjective $object ?beside the ?spot .",
     "hero leaves"},
    {"hero leaves", 0.7, "", "hero returns"},
    {"hero leaves", 0.3, "$hero lost the $tool .", "hero returns without"},
    {"hero returns", 1, "then $hero went back to $friend in the $here .", "hero uses"},
    {"hero uses", 1, "$hero ?gladly $used the $object and was $relief .", "hero gives back"},
    {"hero gives back", 1, "$hero gave the $tool back to $friend .", "end"},
    {"hero returns without", 1, "then $hero went back to $friend in the $here .", "uses without"},

    {"both", 1, "so they ?pace $opened the $there with the $tool .", "both see"},
    {"both see", 0.25, "there $hero ?saw a ?kind ?animal ?near the ?thing .", "both stop"},
    {"both see", 0.25, "there $friend ?saw a ?kind ?animal ?near the ?thing .", "both stop"},
    {"both see", 0.5, "", "both find"},
    {"both stop", 1, "the $kind $animal was ?mood and $acted .", "both find"},
    {"both find", 0.5, "there $hero found the $adjective $object ?beside the ?spot .",
     "both leave"},
    {"both find", 0.5, "there $friend found the $adjective $object ?beside the ?spot .",
     "both leave with a gift"},
    {"both leave", 0.7, "", "both return"},
    {"both leave", 0.3, "$friend lost the $tool .", "both return without"},
    {"both return", 1, "then they went back to the $here .", "uses"},
    {"both return without", 1, "then they went back to the $here .", "uses without"},
    {"both leave with a gift", 0.7, "", "both return with a gift"},
    {"both leave with a gift", 0.3, "$friend lost the $tool .", "both return with a gift alone"},
    {"both return with a gift", 1, "then they went back to the $here .", "gift"},
    {"both return with a gift alone", 1, "then they went back to the $here .", "gift without"},
    {"gift", 1, "$friend gave the $object to $hero .", "uses"},
    {"gift without", 1, "$friend gave the $object to $hero .", "uses without"},

    {"friend", 1, "so $friend ?pace $opened the $there with the $tool .", "friend sees"},
    {"friend sees", 0.5, "there $friend ?saw a ?kind ?animal ?near the ?thing .", "friend stops"},
    {"friend sees", 0.5, "", "friend finds"},
    {"friend stops", 1, "the $kind $animal was ?mood and $acted .", "friend finds"},
    {"friend finds", 1, "there $friend found the $adjective $object ?beside the ?spot .",
     "friend leaves"},
    {"friend leaves", 0.7, "", "friend returns"},
    {"friend leaves", 0.3, "$friend lost the $tool .", "friend returns without"},
    {"friend returns", 1, "then $friend brought the $object to $hero in the $here .", "uses"},
    {"friend returns without", 1, "then $friend brought the $object to $hero in the $here .",
     "uses without"},

    {"uses", 1, "$hero ?gladly $used the $object and was $relief .", "keeps"},
    {"keeps", 1, "$friend still had the $tool .", "end"},
    {"uses without", 1, "$hero ?gladly $used the $object and was $relief .", "misses"},
    {"misses", 1, "but $friend was ?upset because the $tool was lost .", "end"},
    {"end", 1, "they ?sang about the ?topic .", ""},
};

const char* const kSlotNames[] = {
    "weather",   "time",   "first", "second",   "here",   "hero",   "need",   "cause",
    "adjective", "object", "there", "obstacle", "pace",   "gladly", "saw",    "kind",
    "animal",    "near",   "thing", "mood",     "beside", "spot",   "upset",  "sang",
    "topic",     "friend", "she",   "tool",     "opened", "used",   "relief", "acted"};
static_assert(std::size(kSlotNames) == static_cast<std::size_t>(Slot::count));

int size_of_list(const Words& words) { return static_cast<int>(words.size()); }

}  // namespace

const std::vector<StoryLine>& story_lines() { return kLines; }

Slot slot_named(const std::string& name) {
  for (std::size_t i = 0; i < std::size(kSlotNames); i++)
    if (name == kSlotNames[i]) return static_cast<Slot>(i);
  fail("stories", "no slot is named ", name);
}

int values_of(Slot slot) {
  switch (slot) {
    case Slot::weather:
      return size_of_list(kWeather);
    case Slot::time:
      return size_of_list(kTimes);
    case Slot::first:
    case Slot::second:
      return size_of_list(kNames);
    case Slot::here:
    case Slot::there:
      return size_of_list(kPlaces);
    case Slot::hero:
      return 2;
    case Slot::need:
      return static_cast<int>(kNeeds.size());
    case Slot::cause:
      return 3;
    case Slot::object:
      return 3;
    case Slot::adjective:
    case Slot::kind:
      return size_of_list(kAdjectives);
    case Slot::obstacle:
      return static_cast<int>(kObstacles.size());
    case Slot::pace:
      return size_of_list(kPaces);
    case Slot::gladly:
      return size_of_list(kGladly);
    case Slot::saw:
      return size_of_list(kSaw);
    case Slot::animal:
      return size_of_list(kAnimals);
    case Slot::near:
    case Slot::beside:
      return size_of_list(kNear);
    case Slot::thing:
    case Slot::spot:
      return size_of_list(kThings);
    case Slot::mood:
      return static_cast<int>(kMoods.size());
    case Slot::upset:
      return size_of_list(kUpset);
    case Slot::sang:
      return size_of_list(kSang);
    case Slot::topic:
      return 3;
    default:
      return 1;
  }
}

int excluded_value(Slot slot, const Story& story) {
  if (slot == Slot::second) return story[static_cast<std::size_t>(Slot::first)];
  if (slot == Slot::there) return story[static_cast<std::size_t>(Slot::here)];
  return -1;
}

std::string words_of(Slot slot, const Story& story) {
  const auto value = [&](Slot s) { return story[static_cast<std::size_t>(s)]; };
  const auto person = [&](bool hero) {
    const bool is_first = (value(Slot::hero) == 0) == hero;
    return value(is_first ? Slot::first : Slot::second);
  };
  const auto& need = kNeeds[value(Slot::need)];
  const auto& obstacle = kObstacles[value(Slot::obstacle)];
  switch (slot) {
    case Slot::weather:
      return kWeather[value(slot)];
    case Slot::time:
      return kTimes[value(slot)];
    case Slot::first:
    case Slot::second:
      return kNames[value(slot)];
    case Slot::here:
    case Slot::there:
      return kPlaces[value(slot)];
    case Slot::hero:
      return kNames[person(true)];
    case Slot::need:
      return need.feeling;
    case Slot::cause:
      return need.causes[value(slot)];
    case Slot::object:
      return need.objects[value(slot)];
    case Slot::adjective:
    case Slot::kind:
      return kAdjectives[value(slot)];
    case Slot::obstacle:
      return obstacle.name;
    case Slot::pace:
      return kPaces[value(slot)];
    case Slot::gladly:
      return kGladly[value(slot)];
    case Slot::saw:
      return kSaw[value(slot)];
    case Slot::animal:
      return kAnimals[value(slot)];
    case Slot::near:
    case Slot::beside:
      return kNear[value(slot)];
    case Slot::thing:
    case Slot::spot:
      return kThings[value(slot)];
    case Slot::mood:
      return kMoods[value(slot)].name;
    case Slot::upset:
      return kUpset[value(slot)];
    case Slot::sang:
      return kSang[value(slot)];
    case Slot::topic:
      return value(slot) == 0   ? need.objects[value(Slot::object)]
             : value(slot) == 1 ? obstacle.tool
                                : kPlaces[value(Slot::there)];
    case Slot::friend_:
      return kNames[person(false)];
    case Slot::she:
      return person(true) < kWomen ? "she" : "he";
    case Slot::tool:
      return obstacle.tool;
    case Slot::opened:
      return obstacle.opened;
    case Slot::used:
      return need.used;
    case Slot::relief:
      return need.relief;
    case Slot::acted:
      return kMoods[value(Slot::mood)].acted;
    case Slot::count:
      break;
  }
  fail("stories", "no such slot");
}

std::vector<std::string> slot_words() {
  std::vector<std::string> all;
  for (const Words* list : {&kNames, &kWeather, &kTimes, &kPlaces, &kAdjectives, &kPaces, &kGladly,
                            &kSaw, &kAnimals, &kNear, &kThings, &kUpset, &kSang})
    all.insert(all.end(), list->begin(), list->end());
  for (const Need& n : kNeeds) {
    all.insert(all.end(), {n.feeling, n.used, n.relief});
    all.insert(all.end(), n.causes.begin(), n.causes.end());
    all.insert(all.end(), n.objects.begin(), n.objects.end());
  }
  for (const Obstacle& o : kObstacles) all.insert(all.end(), {o.name, o.tool, o.opened});
  for (const Mood& m : kMoods) all.insert(all.end(), {m.name, m.acted});
  all.insert(all.end(), {"she", "he"});
  return all;
}

}  // namespace lacuna::text
