#include "storage/shift_trees.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <fcntl.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "storage/copy_attributes.hpp"
#include "storage/shift_entry.hpp"
#include "storage/tree_walk.hpp"

namespace storage {
namespace {

/// Deeper ones are walked by one thread, with few descriptors; two for each level stay open above that.
constexpr std::size_t max_shared_depth = 32;

/// A directory, open on both sides for as long as one below it waits.
struct OpenPair {
  const ShiftedTree& tree;
  base::UniqueFd source, target;
  std::string path;  // relative to the roots; empty for them
  std::size_t depth = 0;
};

struct WaitingDirectory {
  std::shared_ptr<OpenPair> parent;  // none: `tree`'s root
  const ShiftedTree* tree;
  std::string name;
};

/// A name that is linked once all trees are made.
struct LaterLink {
  const ShiftedTree* tree;
  std::string first, directory, name;
};

std::string join_path(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : base::concat(directory, '/', name);
}

class Shift {
 public:
  Shift(const OwnerTranslation& translation, const std::function<void(std::uint64_t)>& report)
      : state_{.translation = translation}, report_(report) {}

  void run(const std::vector<ShiftedTree>& trees, unsigned threads) {
    for (const ShiftedTree& tree : trees) waiting_.push_back({nullptr, &tree, ""});
    unfinished_ = waiting_.size();
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads; ++i) others.emplace_back([this] { work(false); });
    work(true);
    for (std::thread& thread : others) thread.join();
    if (failure_) std::rethrow_exception(failure_);
    make_links();
  }

  /// Everything but going into directories, which the caller does. True for a directory.
  bool shift(const ShiftedTree& tree, int source_dir, int target_dir, const std::string& path, const std::string& name,
             const struct stat& info) {
    if (S_ISDIR(info.st_mode)) {
      if (::mkdirat(target_dir, name.c_str(), 0700) != 0)
        throw base::os_error("making the directory ", base::quoted(join_path(path, name)));
      return true;
    }
    if (is_later_link(tree, path, name, info)) return false;
    base::with_context(
        [&] { shift_entry(state_, source_dir, target_dir, name, info, is_whiteout(info) ? info : owner_of(info)); },
        "giving ", base::quoted(join_path(path, name)), " another owner");
    if (S_ISREG(info.st_mode)) done_bytes_ += static_cast<std::uint64_t>(info.st_size);
    return false;
  }

  void finish_directory(int source_dir, int target_dir, const std::string& path) const {
    struct stat info {};
    if (::fstat(source_dir, &info) != 0) throw base::os_error("looking at the directory ", base::quoted(path));
    base::with_context([&] { shift_attributes(state_, source_dir, target_dir, owner_of(info)); }, "giving ",
                       base::quoted(path.empty() ? "/" : path), " another owner");
  }

 private:
  struct stat owner_of(const struct stat& info) const {
    const auto wanted = state_.translation.apply(info);
    if (wanted) return *wanted;
    throw base::make_error(base::ErrorKind::unsupported, "its owner does not exist in the id map of the container");
  }

  bool is_later_link(const ShiftedTree& tree, const std::string& path, const std::string& name,
                     const struct stat& info) {
    if (info.st_nlink < 2) return false;
    const std::lock_guard lock(mutex_);
    const auto [first, is_new] = first_links_.try_emplace({info.st_dev, info.st_ino}, join_path(path, name));
    if (!is_new) later_links_.push_back({&tree, first->second, path, name});
    return !is_new;
  }

  void work(bool reports) noexcept {
    try {
      while (std::optional<WaitingDirectory> next = take()) {
        shift_directory(std::move(*next));
        if (reports) report_(done_bytes_);
        const std::lock_guard lock(mutex_);
        if (--unfinished_ == 0) changed_.notify_all();
      }
    } catch (...) {  // the first is thrown by run()
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  /// The one that came last, so that few directories are open. Nothing when all is done, or something failed.
  std::optional<WaitingDirectory> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !waiting_.empty() || unfinished_ == 0 || failure_; });
    if (waiting_.empty() || failure_) return std::nullopt;
    WaitingDirectory next = std::move(waiting_.back());
    waiting_.pop_back();
    return next;
  }

  void shift_directory(WaitingDirectory directory);

  ShiftState state_;
  const std::function<void(std::uint64_t)>& report_;
  std::atomic<std::uint64_t> done_bytes_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<WaitingDirectory> waiting_;
  std::size_t unfinished_ = 0;
  std::exception_ptr failure_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_links_;
  std::vector<LaterLink> later_links_;

  void make_links();
};

/// The rest of a very deep tree.
class DeepRest final : public TreeVisitor {
 public:
  DeepRest(Shift& shift, const OpenPair& top) : shift_(shift), top_(top) {}
  bool visit(const TreeEntry& entry) override {
    const std::string path = entry.path.empty() ? top_.path : join_path(top_.path, entry.path);
    return shift_.shift(top_.tree, entry.source_dir, entry.target_dir, path, entry.name, entry.info);
  }
  void leave(int source_dir, int target_dir) override { shift_.finish_directory(source_dir, target_dir, top_.path); }

 private:
  Shift& shift_;
  const OpenPair& top_;
};

void Shift::shift_directory(WaitingDirectory directory) {
  auto open = std::make_shared<OpenPair>(OpenPair{*directory.tree, {}, {}, {}, 0});
  if (directory.parent) {
    open->source = base::open_directory(directory.parent->source.get(), directory.name);
    open->target = base::open_directory(directory.parent->target.get(), directory.name);
    open->path = join_path(directory.parent->path, directory.name);
    open->depth = directory.parent->depth + 1;
    directory.parent.reset();
  } else {
    open->source = base::open_directory(directory.tree->source.get(), ".");
    open->target = base::open_directory(directory.tree->target.get(), ".");
  }
  if (open->depth >= max_shared_depth) {
    DeepRest rest{*this, *open};
    return walk_trees(open->source.get(), open->target.get(), rest);
  }
  std::vector<WaitingDirectory> below;
  for (const std::string& name : base::list_directory(open->source.get(), ".")) {
    struct stat info {};
    if (::fstatat(open->source.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      throw base::os_error("looking at ", base::quoted(join_path(open->path, name)));
    if (shift(open->tree, open->source.get(), open->target.get(), open->path, name, info))
      below.push_back({open, directory.tree, name});
  }
  // What is below changes nothing here any more.
  finish_directory(open->source.get(), open->target.get(), open->path);
  open.reset();
  const std::lock_guard lock(mutex_);
  unfinished_ += below.size();
  std::move(below.begin(), below.end(), std::back_inserter(waiting_));
  changed_.notify_all();
}

void Shift::make_links() {
  for (const LaterLink& link : later_links_) {
    const auto open = [](const base::UniqueFd& root, const std::string& path) {
      return base::open_beneath(root.get(), path.empty() ? "." : path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    };
    const std::size_t slash = link.first.rfind('/');
    const std::string first_directory = slash == std::string::npos ? "" : link.first.substr(0, slash);
    const std::string first_name = link.first.substr(slash == std::string::npos ? 0 : slash + 1);
    const base::UniqueFd from = open(link.tree->target, first_directory);
    const base::UniqueFd to = open(link.tree->target, link.directory);
    if (::linkat(from.get(), first_name.c_str(), to.get(), link.name.c_str(), 0) != 0)
      throw base::os_error("linking ", base::quoted(join_path(link.directory, link.name)));
    struct stat info {};
    const base::UniqueFd source = open(link.tree->source, link.directory);
    if (::fstat(source.get(), &info) != 0) throw base::os_error("looking at ", base::quoted(link.directory));
    const timespec times[] = {info.st_atim, info.st_mtim};
    if (::utimensat(to.get(), "", times, AT_EMPTY_PATH) != 0)
      throw base::os_error("setting times of ", base::quoted(link.directory));
  }
}

}  // namespace

void shift_trees(const std::vector<ShiftedTree>& trees, const OwnerTranslation& translation, unsigned threads,
                 const std::function<void(std::uint64_t)>& report) {
  Shift shift{translation, report};
  shift.run(trees, std::max(1U, threads));
}

}  // namespace storage
