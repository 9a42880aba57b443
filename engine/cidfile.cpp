#include "engine/cidfile.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace engine {

CidFile::CidFile(const std::string& path) : path_(path) {
  if (path_.empty()) return;
  fd_ = base::UniqueFd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (fd_) return;
  if (errno == EEXIST)
    throw base::make_error(base::ErrorKind::already_exists, "container id file ", base::quoted(path_), " exists")
        .with_hint(base::concat("rm ", path_));
  throw base::os_error("creating container id file ", base::quoted(path_));
}

CidFile::~CidFile() {
  if (fd_) ::unlink(path_.c_str());
}

void CidFile::write(const std::string& id) {
  if (!fd_) return;
  base::write_all(fd_.get(), id);
  fd_.reset();
}

}  // namespace engine
