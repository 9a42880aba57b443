#include "engine/copy_files.hpp"

#include <climits>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/process.hpp"
#include "engine/buffered_output.hpp"
#include "engine/container_ids.hpp"
#include "engine/copy_place.hpp"
#include "engine/copy_tar.hpp"
#include "engine/copy_words.hpp"
#include "engine/late_layers.hpp"
#include "engine/mapped_root.hpp"
#include "engine/namespace_choice.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "rootless/id_ranges.hpp"
#include "rootless/user_namespace.hpp"
#include "runtime/spec.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;
using Kind = CopyPlace::Kind;

/// What is known of a path before anything is copied.
struct Seen {
  Kind kind = Kind::missing;
  bool has_parent = false;
  std::string name;
};

/// Owners on the host as those of the ids that a helper works with; what is not among them is root's.
class HostOwners final : public storage::EntrySink {
 public:
  HostOwners(storage::EntrySink& sink, const rootless::IdMap& map) : sink_(sink), map_(map) {}
  void put(const storage::StreamedEntry& entry, int content) override {
    storage::StreamedEntry owned = entry;
    owned.uid = rootless::map_in(map_.uids, entry.uid).value_or(0);
    owned.gid = rootless::map_in(map_.gids, entry.gid).value_or(0);
    sink_.put(owned, content);
  }

 private:
  storage::EntrySink& sink_;
  const rootless::IdMap& map_;
};

/// One side of a copy.
class CopyEnd {
 public:
  virtual ~CopyEnd() = default;
  virtual Seen look(const std::string& path) = 0;
  virtual void send(const std::string& path, storage::EntrySink& sink) = 0;
  /// Has `produce` write to `name` in the directory at `path`; an empty name is that directory.
  /// @param from_host  Whether the owners of the entries are ids of the host.
  virtual void receive(const std::string& path, const std::string& name, const CopyFilesOptions& options,
                       bool from_host, const std::function<void(storage::EntrySink&)>& produce) = 0;
  virtual std::string described(const std::string& path) const = 0;
  virtual bool is_host() const { return false; }
};

/// The caller's files, with the caller's rights.
class HostEnd final : public CopyEnd {
 public:
  HostEnd() : root_(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!root_) throw base::os_error("opening \"/\"");
  }

  Seen look(const std::string& path) override {
    CopyPlace place = find_copy_place(root_.get(), absolute(path));
    return {place.kind, static_cast<bool>(place.dir), std::move(place.name)};
  }

  void send(const std::string& path, storage::EntrySink& sink) override {
    const CopyPlace place = find_copy_place(root_.get(), absolute(path));
    constexpr auto ours = storage::SendFrom::own_files;
    place.kind == Kind::directory ? storage::send_directory(place.dir.get(), sink, ours)
                                  : storage::send_file(place.dir.get(), place.name, sink, ours);
  }

  void receive(const std::string& path, const std::string& name, const CopyFilesOptions& options, bool /*from_host*/,
               const std::function<void(storage::EntrySink&)>& produce) override {
    const CopyPlace place = find_copy_place(root_.get(), absolute(path));
    storage::TreeReceiver receiver(place.dir.get(), name, {.overwrite = options.overwrite});
    produce(receiver);
    receiver.finish();
  }

  bool is_host() const override { return true; }
  std::string described(const std::string& path) const override {
    return concat(quoted(path), " could not be found on the host: no such file or directory");
  }

 private:
  static std::string absolute(const std::string& path) {
    if (path.starts_with('/')) return path;
    char current[PATH_MAX];
    if (::getcwd(current, sizeof current) == nullptr) throw base::os_error("asking for the current directory");
    return concat(current, "/", path);
  }
  base::UniqueFd root_;
};

/// A container's files, by a helper that is root in its user namespace.
class ContainerEnd final : public CopyEnd {
 public:
  ContainerEnd(Engine& engine, const std::string& name) : name_(name) {
    const storage::ContainerDir container = require_container(engine, name);
    const storage::ContainerRecord record = storage::read_record(container);
    const std::string config = storage::read_config_json(container, runtime::max_spec_bytes);
    const runtime::Spec spec = runtime::parse_spec(config, "config.json of the container");
    work_dir_ = spec.process.cwd;
    uid_ = spec.process.user.uid;
    gid_ = spec.process.user.gid;
    ids_ = id_map_of(engine, record, spec);
    if (join(engine, observe(container, engine.host.boot_id))) return;
    alive_ = take_alive(container, engine.host.boot_id);  // nobody starts it meanwhile
    if (!alive_ && join(engine, observe(container, engine.host.boot_id))) return;
    if (!alive_) throw make_error(ErrorKind::in_use, "container ", quoted(name), " is being started or copied");
    complete_layers(engine, record);
    start_stopped(engine, record);
    uid_ = intermediate_uid(engine, ids_, uid_);
    gid_ = intermediate_gid(engine, ids_, gid_);
    ids_ = engine.host.id_map;
  }

  Seen look(const std::string& path) override {
    channel_.send(concat("stat", '\0', absolute(path)));
    const std::string answer = receive_answer(channel_, copy_words::place);
    if (answer.size() < 2) throw make_error(ErrorKind::internal, "the helper of cp sent half an answer");
    return {static_cast<Kind>(answer[0]), answer[1] == '+', answer.substr(2)};
  }

  void send(const std::string& path, storage::EntrySink& sink) override {
    channel_.send(concat("get", '\0', absolute(path)));
    receive_entries(channel_, sink);
  }

  void receive(const std::string& path, const std::string& name, const CopyFilesOptions& options, bool from_host,
               const std::function<void(storage::EntrySink&)>& produce) override {
    const std::string owner = options.archive ? concat(uid_) : "keep";
    const bool is_archive = options.source == "-";
    channel_.send(concat("put", '\0', absolute(path), '\0', name, '\0', options.overwrite ? "overwrite" : "", '\0',
                         owner, '\0', gid_, '\0', is_archive ? "links" : ""));
    CopyChannelSink sink(channel_);
    if (from_host && !options.archive) {
      HostOwners owners(sink, ids_);
      produce(owners);
    } else {
      produce(sink);
    }
    sink.finish();
    receive_answer(channel_, copy_words::end);
  }

  std::string described(const std::string& path) const override {
    return concat(quoted(path), " could not be found on container ", name_, ": no such file or directory");
  }

 private:
  std::string absolute(const std::string& path) const {
    return path.starts_with('/') ? path : concat(work_dir_, "/", path);
  }

  base::Command command(Engine& engine) const {
    base::Command command{.path = own_program("engine"), .argv = {"engine"}};
    for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
    command.argv.emplace_back("_inside");
    command.null_stdin = true;
    command.die_with_parent = true;
    return command;
  }

  /// False when it does not run. Its root is what its init sees, mounts included.
  bool join(Engine& engine, const Observed& observed) {
    if (!observed.is_running()) return false;
    if (may_be_chroot(engine) && find_namespaces(engine).is_chroot())
      throw make_error(ErrorKind::unsupported,
                       "a container that is only a chroot can be copied from and to when it is stopped");
    const std::string proc = concat("/proc/", observed.state.process.pid);
    const base::UniqueFd user_namespace{::open((proc + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC)};
    const base::UniqueFd root{::open((proc + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!user_namespace || !root) {
      if (errno == ENOENT) return false;
      throw base::os_error("opening the container's root");
    }
    auto [ours, theirs] = base::Channel::make_pair();
    base::Command helper = command(engine);
    helper.argv.emplace_back("cp-running");
    helper.fds = {{theirs.fd(), 3}, {user_namespace.get(), 4}, {root.get(), 5}};
    helper_ = base::spawn(helper);
    channel_ = std::move(ours);
    return true;
  }

  void start_stopped(Engine& engine, const storage::ContainerRecord& record) {
    refuse_mapped_root(record);
    base::Command helper = command(engine);
    helper.argv.insert(helper.argv.end(), {"cp-stopped", record.id});
    rootless::MappedChild child = rootless::spawn_in_user_namespace(std::move(helper), engine.host.id_map, engine.host);
    helper_ = std::move(child.process);
    channel_ = std::move(child.channel);
  }

  std::string name_;
  std::string work_dir_;
  std::uint32_t uid_ = 0, gid_ = 0;
  rootless::IdMap ids_;  ///< Of the namespace that the helper works in.
  std::optional<base::FileLock> alive_;
  base::Child helper_;
  base::Channel channel_;
};

struct Side {
  std::unique_ptr<CopyEnd> end;  ///< None: a stream.
  std::string path;
};

/// "NAME:PATH", unless it can only be a path of the host. Source: podman-cp(1).
Side side_of(Engine& engine, const std::string& text) {
  if (text == "-") return {nullptr, text};
  const std::size_t colon = text.find(':');
  if (text.empty() || text[0] == '/' || text[0] == '.' || colon == std::string::npos || colon == 0 ||
      text.substr(0, colon).find('/') != std::string::npos)
    return {std::make_unique<HostEnd>(), text};
  const std::string path = text.substr(colon + 1);
  return {std::make_unique<ContainerEnd>(engine, text.substr(0, colon)), path.empty() ? "." : path};
}

bool is_content_only(const std::string& path) {
  return path == "." || path.ends_with("/.") || path.ends_with("/./");
}

base::Error missing(const Side& side) {
  return make_error(ErrorKind::not_found, side.end->described(side.path));
}

std::string directory_above(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string last_name(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

void copy_between(const Side& from, const Side& to, const CopyFilesOptions& options) {
  const Seen source = from.end->look(from.path);
  if (source.kind == Kind::missing) throw missing(from);
  const Seen target = to.end->look(to.path);
  const bool is_directory = source.kind == Kind::directory;
  if (is_directory && target.kind == Kind::other)
    throw make_error(ErrorKind::invalid_argument, "destination must be a directory when copying a directory");
  std::string directory = to.path, name = source.name;
  if (target.kind == Kind::missing) {
    if (!target.has_parent || (!is_directory && to.path.ends_with('/'))) throw missing(to);
    directory = directory_above(to.path);
    name = last_name(to.path);
  } else if (target.kind == Kind::other) {
    directory = directory_above(to.path);
    name = target.name;
    if (to.end->look(directory).kind == Kind::missing) throw missing(to);
  } else if (is_directory && (is_content_only(from.path) || source.name.empty())) {
    name.clear();
  }
  to.end->receive(directory, name, options, from.end->is_host(),
                  [&](storage::EntrySink& sink) { from.end->send(from.path, sink); });
}

void copy_from_stream(Engine& engine, const Side& to, const CopyFilesOptions& options) {
  if (to.end->look(to.path).kind != Kind::directory)
    throw make_error(ErrorKind::invalid_argument, "destination must be a directory when copying from stdin");
  auto [ours, theirs] = base::Channel::make_pair();
  base::Command command{.path = own_program("engine-transfer"), .argv = {"engine-transfer"}};
  for (std::string& word : same_build_options(engine)) command.argv.push_back(std::move(word));
  command.argv.emplace_back("_read-archive");
  command.fds = {{theirs.fd(), 3}};
  command.die_with_parent = true;
  base::Child reader = base::spawn(command);
  theirs.close();
  to.end->receive(to.path, "", options, false,
                  [&, &channel = ours](storage::EntrySink& sink) { receive_entries(channel, sink); });
  reader.wait();
}

void copy_to_stream(const Side& from) {
  if (::isatty(STDOUT_FILENO) != 0)
    throw make_error(ErrorKind::invalid_argument, "an archive is not written to a terminal")
        .with_hint("redirect standard output");
  const Seen source = from.end->look(from.path);
  if (source.kind == Kind::missing) throw missing(from);
  BufferedOutput output{STDOUT_FILENO};
  CopyTarSink tar(output, is_content_only(from.path) ? "" : source.name);
  from.end->send(from.path, tar);
  tar.finish();
  output.flush();
}

}  // namespace

void copy_files(Engine& engine, const CopyFilesOptions& options) {
  const Side from = side_of(engine, options.source);
  const Side to = side_of(engine, options.destination);
  const auto is_of_host = [](const Side& side) { return side.end && side.end->is_host(); };
  if ((!from.end || is_of_host(from)) && (!to.end || is_of_host(to)))
    throw make_error(ErrorKind::invalid_argument, "one of the two must be in a container: CONTAINER:PATH");
  if (!from.end) return copy_from_stream(engine, to, options);
  if (!to.end) return copy_to_stream(from);
  copy_between(from, to, options);
}

}  // namespace engine
