#include "cmd/limit_words.hpp"
#include "cmd/options_run.hpp"

namespace cmd {

void declare_mount_options(OptionTable& table, engine::RunOptions& options) {
  table
      .list("volume", 'v', "[SOURCE:]TARGET[:OPTIONS]", options.volumes, "Mount a folder of the host or a named volume")
      .offers(Completes::directories);
  table.list("mount", 0, "type=TYPE,...", options.mounts,
             "Mount something: type is bind, devpts, image, tmpfs or volume");
  table.list("volumes-from", 0, "CONTAINER[:OPTIONS]", options.volumes_from, "Mount what another container has mounted")
      .offers(Completes::containers);
  table.text("image-volume", 0, "MODE", options.image_volume, "What a VOLUME of the image becomes")
      .choices("bind|anonymous|tmpfs|ignore")
      .defaults_to("anonymous");
  table.list("tmpfs", 0, "TARGET[:OPTIONS]", options.tmpfs, "Mount a file system in memory");
  table
      .comma_list("device", 0, "PATH[:TARGET][:rwm]", options.devices,
                  "Give the container a device of the host, or what a CDI file says: vendor.com/class=name")
      .offers(Completes::files);
  table
      .list("cdi-spec-dir", 0, "DIRECTORY", options.cdi_spec_dirs,
            "Where CDI files are, instead of /etc/cdi and /run/cdi")
      .offers(Completes::directories);
  table.text("shm-size", 0, "SIZE", options.shm_size, "Size of /dev/shm, such as 64m")
      .checked_by(check_size, size_form);
  table
      .text("shm-size-systemd", 0, "SIZE", options.shm_size_systemd,
            "Size of each tmpfs that systemd gets: /run, /run/lock, /tmp, /var/log/journal")
      .checked_by(check_size, size_form);
  table.comma_list("chrootdirs", 0, "DIRECTORY", options.chroot_dirs,
                   "Folders of the container that get /etc/hosts, hostname and resolv.conf, too");
  table.list("secret", 0, "NAME[,OPTION...]", options.secrets,
             "Give the container a secret: type=mount|env, target=, uid=, gid=, mode= (engine secret create)");
  table.flag("read-only", 0, options.read_only, "Make the root file system read-only");
  table.flag("read-only-tmpfs", 0, options.read_only_tmpfs,
             "With --read-only, keep /run, /tmp, /var/tmp and /dev/shm writable");
}

}  // namespace cmd
