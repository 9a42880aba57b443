#pragma once

#include <string>
#include <vector>

#include "cmd/image/list.hpp"
#include "engine/image_views.hpp"
#include "engine/verbs.hpp"

namespace cmd {

/// An image as one of its names shows it.
struct ImageLine {
  const engine::ImageSummary* image;
  RepositoryAndTag name;
};

/// Prints images by a template. @param whole  Ids are not shortened.
void print_images(const std::vector<ImageLine>& lines, const std::string& format, bool whole, bool with_headings);
/// Prints the steps of an image's history by a template. @param for_people  Times are "5 minutes ago".
void print_history(const std::vector<engine::HistoryLine>& lines, const std::string& format, bool whole,
                   bool for_people);

}  // namespace cmd
