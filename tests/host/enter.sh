#!/bin/sh
# Becomes process 1 of the systemd host, in namespaces that are its own already: mount, pid, cgroup, network, ipc, uts.
# Nothing of the machine stays visible but its kernel. Usage: enter.sh TREE STATE
#   TREE    the built root file system, read-only below an overlay
#   STATE   an empty folder; share/ in it is /share inside, pipe in it is /dev/output
set -eu
tree=$1 state=$2 root=$2/root
mount --make-rprivate /
# The disk, a tmpfs that is there already; a second boot finds on it what the first one left.
mkdir -p "$state/scratch/upper" "$state/scratch/work"
mount -t overlay -o "lowerdir=$tree,upperdir=$state/scratch/upper,workdir=$state/scratch/work" overlay "$root"
# An overlay cannot have its upper folder on an overlay; stores of images are in these two.
for folder in home var/lib; do
  [ -d "$state/scratch/$folder" ] || { mkdir -p "$state/scratch/$folder"; cp -a "$tree/$folder/." "$state/scratch/$folder/"; }
  mount --bind "$state/scratch/$folder" "$root/$folder"
done
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o nosuid,nodev,mode=755 run "$root/run"
mount -t tmpfs -o nosuid,mode=1777 tmp "$root/tmp"
mount --bind "$state/share" "$root/share"

mount -t tmpfs -o nosuid,mode=755 dev "$root/dev"
cd "$root/dev"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229; do
  name=${node%%:*} numbers=${node#*:}
  mknod -m 666 "$name" c "${numbers%:*}" "${numbers#*:}"
done
mknod -m 600 console c 1 3
mkdir pts shm mqueue
mount -t devpts -o newinstance,nosuid,noexec,ptmxmode=0666,mode=620,gid=5 devpts pts
mount -t tmpfs -o nosuid,nodev,mode=1777 shm shm
mount -t mqueue mqueue mqueue
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "${stream#*:}"; done
: >output
mount --bind "$state/pipe" output

# The kernel's settings belong to the machine. A second procfs without covers lets user namespaces mount theirs.
mkdir -m 700 -p "$root/run/engine-host/proc"
mount -t proc proc "$root/run/engine-host/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
[ ! -e "$root/proc/sysrq-trigger" ] || mount --bind "$root/dev/null" "$root/proc/sysrq-trigger"

hostname engine-host
cd "$root"
mkdir -p mnt
pivot_root . mnt
cd /
umount -l /mnt
mount --make-rshared /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 container=engine-host \
  /lib/systemd/systemd --system --log-target=journal --show-status=no
