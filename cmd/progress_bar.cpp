#include "cmd/progress_bar.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

#include "base/json_writer.hpp"
#include "base/text.hpp"

namespace cmd {
namespace {

using base::concat;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds redraw_every{100};
constexpr milliseconds tell_every{1000};
constexpr std::size_t usual_width = 80;
constexpr std::size_t widest_bar = 40;
constexpr std::size_t narrowest_bar = 10;

struct Item {
  std::string name;
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
  Clock::time_point begun;
};

/// Best effort: progress that cannot be shown is no reason to stop the work.
void show(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// "layer 4bcf0a9d3e21: done (2.2MB)"
std::string end_line(const Item& item, std::string_view outcome) {
  const std::uint64_t bytes = std::max(item.done_bytes, item.done_bytes == 0 ? 0 : item.total_bytes);
  const std::string size = bytes == 0 ? std::string{} : concat(" (", base::human_size(bytes), ')');
  return concat(item.name, ": ", outcome, size, '\n');
}

/// The items that have begun and not ended; callers hold the lock.
class Items {
 public:
  Item& named(std::string_view name) {
    for (Item& item : items_) {
      if (item.name == name) return item;
    }
    return items_.emplace_back(Item{.name = std::string{name}, .begun = Clock::now()});
  }
  Item take(std::string_view name) {
    const Item item = named(name);
    std::erase_if(items_, [&](const Item& other) { return other.name == item.name; });
    return item;
  }
  const std::vector<Item>& all() const { return items_; }

 private:
  std::vector<Item> items_;
};

class PlainProgress final : public base::Progress {
 public:
  void begin(std::string_view item, std::uint64_t total_bytes) override {
    const std::lock_guard lock{mutex_};
    items_.named(item).total_bytes = total_bytes;
  }
  void advance(std::string_view item, std::uint64_t done_bytes) override {
    const std::lock_guard lock{mutex_};
    items_.named(item).done_bytes = done_bytes;
  }
  void end(std::string_view item, std::string_view outcome) override {
    const std::lock_guard lock{mutex_};
    show(end_line(items_.take(item), outcome));
  }
  void note(std::string_view text) override {
    const std::lock_guard lock{mutex_};
    show(concat(text, '\n'));
  }

 private:
  std::mutex mutex_;
  Items items_;
};

/// For programs. Source of the form: buildkit's --progress=rawjson, docker's events of a pull.
class JsonProgress final : public base::Progress {
 public:
  void begin(std::string_view item, std::uint64_t total_bytes) override {
    const std::lock_guard lock{mutex_};
    Item& begun = items_.named(item);
    begun.total_bytes = total_bytes;
    shown_at_ = Clock::now();
    write_item(begun, "begin", "");
  }
  void advance(std::string_view item, std::uint64_t done_bytes) override {
    const std::lock_guard lock{mutex_};
    Item& advanced = items_.named(item);
    advanced.done_bytes = done_bytes;
    if (Clock::now() - shown_at_ < tell_every) return;
    shown_at_ = Clock::now();
    write_item(advanced, "advance", "");
  }
  void end(std::string_view item, std::string_view outcome) override {
    const std::lock_guard lock{mutex_};
    write_item(items_.take(item), "end", outcome);
  }
  void note(std::string_view text) override {
    const std::lock_guard lock{mutex_};
    base::JsonWriter writer;
    writer.begin_object().member("event", "note").member("text", text).end_object();
    show(concat(writer.take(), '\n'));
  }

 private:
  static void write_item(const Item& item, std::string_view event, std::string_view outcome) {
    base::JsonWriter writer;
    writer.begin_object().member("event", event).member("item", item.name);
    writer.member("done", item.done_bytes).member("total", item.total_bytes);
    if (!outcome.empty()) writer.member("outcome", outcome);
    writer.end_object();
    show(concat(writer.take(), '\n'));
  }

  std::mutex mutex_;
  Items items_;
  Clock::time_point shown_at_{};
};

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual_width;
  return size.ws_col;
}

std::size_t terminal_height() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return 24;
  return size.ws_row;
}

/// One line an item at the bottom of the terminal, redrawn in place; lines of ended items stay above them.
class BarProgress final : public base::Progress {
 public:
  ~BarProgress() override { show(erase_bars()); }

  void begin(std::string_view item, std::uint64_t total_bytes) override {
    const std::lock_guard lock{mutex_};
    items_.named(item).total_bytes = total_bytes;
    redraw("");
  }
  void advance(std::string_view item, std::uint64_t done_bytes) override {
    const std::lock_guard lock{mutex_};
    items_.named(item).done_bytes = done_bytes;
    if (Clock::now() - drawn_at_ >= redraw_every) redraw("");
  }
  void end(std::string_view item, std::string_view outcome) override {
    const std::lock_guard lock{mutex_};
    redraw(end_line(items_.take(item), outcome));
  }
  void note(std::string_view text) override {
    const std::lock_guard lock{mutex_};
    redraw(concat(text, '\n'));
  }

 private:
  /// Moves to where the bars begin and clears from there.
  std::string erase_bars() const {
    return lines_drawn_ == 0 ? std::string{} : concat("\r\x1b[", lines_drawn_, "A\x1b[J");
  }

  void redraw(std::string_view lines_above) {
    std::string text = erase_bars();
    text += lines_above;
    const std::size_t width = terminal_width() - 1;  // a full line would wrap and be two
    const std::size_t fitting = std::min(items_.all().size(), terminal_height() - 1);
    const Clock::time_point now = Clock::now();
    for (std::size_t index = 0; index < fitting; ++index) {
      const Item& item = items_.all()[index];
      const auto passed = std::chrono::duration_cast<milliseconds>(now - item.begun);
      text += concat(bar_line(item.name, item.done_bytes, item.total_bytes, passed, width), '\n');
    }
    show(text);
    lines_drawn_ = fitting;
    drawn_at_ = now;
  }

  std::mutex mutex_;
  Items items_;
  std::size_t lines_drawn_ = 0;
  Clock::time_point drawn_at_{};
};

/// "42s", "3m05s", "2h10m"
std::string time_left(std::uint64_t seconds) {
  const auto two_digits = [](std::uint64_t number) { return concat(number < 10 ? "0" : "", number); };
  if (seconds < 60) return concat(seconds, 's');
  if (seconds < 3600) return concat(seconds / 60, 'm', two_digits(seconds % 60), 's');
  if (seconds > 99 * 3600) return ">99h";
  return concat(seconds / 3600, 'h', two_digits(seconds / 60 % 60), 'm');
}

std::string drawn_bar(std::uint64_t done, std::uint64_t total, std::size_t width) {
  const double part = total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto full = static_cast<std::size_t>(part * static_cast<double>(width));
  std::string bar(full, '=');
  if (full < width) bar += '>';
  bar.resize(width, ' ');
  return concat(" [", bar, ']');
}

}  // namespace

std::string bar_line(const std::string& item, std::uint64_t done, std::uint64_t total, milliseconds passed,
                     std::size_t width) {
  std::string amount = concat("  ", base::human_size(done));
  if (total != 0) amount += concat(" / ", base::human_size(total));
  if (passed.count() > 0 && done > 0) {
    const std::uint64_t rate = done * 1000 / static_cast<std::uint64_t>(passed.count());
    amount += concat("  ", base::human_size(rate), "/s");
    if (total > done && rate > 0 && passed >= tell_every) amount += concat("  ", time_left((total - done) / rate));
  }
  const std::size_t taken = item.size() + amount.size() + 3;
  std::string line = item;
  if (total != 0 && taken + narrowest_bar <= width) line += drawn_bar(done, total, std::min(widest_bar, width - taken));
  line += amount;
  return line.substr(0, width);
}

std::unique_ptr<base::Progress> make_progress(ProgressStyle style) {
  if (style == ProgressStyle::automatic) {
    style = ::isatty(STDERR_FILENO) == 1 ? ProgressStyle::bars : ProgressStyle::plain;
  }
  if (style == ProgressStyle::bars) return std::make_unique<BarProgress>();
  if (style == ProgressStyle::json) return std::make_unique<JsonProgress>();
  if (style == ProgressStyle::plain) return std::make_unique<PlainProgress>();
  return std::make_unique<base::NoProgress>();
}

}  // namespace cmd
