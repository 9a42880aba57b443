#pragma once

#include <string>

#include "base/channel.hpp"
#include "engine/context.hpp"
#include "storage/volumes.hpp"

// What a volume holds, as a tar archive.

namespace engine {

/// The volume that `text` means. @throws Error not_found; unsupported, when its content is not in the store
/// (type=tmpfs, or a bind).
storage::Volume require_stored_volume(Engine& engine, const std::string& text);

/// Writes it to the descriptor `output`, with the owners and attributes that containers see.
/// @throws Error as above.
void export_volume(Engine& engine, const std::string& name, int output);
/// The work of the child that export_volume starts in the user namespace; the archive goes to its standard output.
void export_volume_inside(Engine& engine, const std::string& name);

/// Adds the files of an archive (plain, gzip, zstd, xz or bzip2) that is read from `input`: what is in the volume
/// stays, or is replaced by what has the same name. Only engine-transfer links it. @throws Error as above; corrupt.
void import_volume(Engine& engine, const std::string& name, int input);
/// The work of its child (unpack_protocol.hpp). `place`: the first message that came.
void import_volume_inside(const base::Channel& channel, base::Channel::Message place);

}  // namespace engine
