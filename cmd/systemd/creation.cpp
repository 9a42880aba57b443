#include "cmd/systemd/creation.hpp"

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/global_options.hpp"
#include "cmd/option_walk.hpp"

namespace cmd {
namespace {

bool is_creating(const std::string& word) {
  return word == "run" || word == "create";
}

class Taker {
 public:
  explicit Taker(const std::vector<std::string>& words) : words_(words) {
    declare_global_options(globals_, global_words_);
    declare_run(table_);
  }

  engine::Creation take() {
    while (at_ < words_.size() && !is_creating(words_[at_]) && words_[at_] != "container")
      creation_.global_words.push_back(words_[at_++]);
    if (at_ < words_.size() && words_[at_] == "container") creation_.command.push_back(words_[at_++]);
    if (at_ == words_.size() || !is_creating(words_[at_])) return {};
    creation_.command.emplace_back("run");
    ++at_;
    while (at_ < words_.size() && words_[at_].size() > 1 && words_[at_].front() == '-' && words_[at_] != "--")
      creation_.options.push_back(take_option());
    if (at_ < words_.size() && words_[at_] == "--") ++at_;
    for (; at_ < words_.size(); ++at_) creation_.arguments.push_back(words_[at_]);
    return std::move(creation_);
  }

 private:
  /// One option, with its value where that is a word of its own: which it is when the walk takes a word that is put
  /// behind it.
  engine::CreationOption take_option() {
    const Walk walk = walk_words(table_, globals_, {words_[at_], "value"}, "engine run");
    const bool has_value = walk.words.empty() && at_ + 1 < words_.size();
    engine::CreationOption option;
    for (const auto* given : {&walk.global_options, &walk.options})
      for (const Given& one : *given) {
        option.names.emplace_back(one.option->name);
        option.value = has_value ? words_[at_ + 1] : one.value;
      }
    option.words.push_back(words_[at_++]);
    if (has_value) option.words.push_back(words_[at_++]);
    return option;
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  GlobalWords global_words_;
  OptionTable globals_, table_;
  engine::Creation creation_;
};

}  // namespace

engine::Creation take_creation_apart(const std::vector<std::string>& words) {
  return Taker{words}.take();
}

}  // namespace cmd
