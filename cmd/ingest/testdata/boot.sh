#!/bin/sh
# boot.sh DIR PROGRAM LIBRARY: becomes systemd in the namespaces that unshare has made,
# and runs the ingest.service that `ingest unit systemd` prints for the folder DIR/logs,
# with the drop-in DIR/test.conf. What it writes is in DIR or gone with the namespaces.
set -eu
dir=$1 program=$2 library=$3
mount --make-rprivate /
mount -t proc proc /proc
for file in passwd group; do
	grep -v '^ingest:' "/etc/$file" >"$dir/$file"
done
echo 'ingest:x:64999:64999::/var/lib/ingest:/usr/sbin/nologin' >>"$dir/passwd"
echo 'ingest:x:64999:' >>"$dir/group"
chmod 644 "$dir/passwd" "$dir/group"
mount --bind "$dir/passwd" /etc/passwd
mount --bind "$dir/group" /etc/group

for tmp in /opt /var/lib /var/cache /etc/systemd/system; do
	mount -t tmpfs -o mode=755 tmpfs "$tmp"
done
mkdir /opt/out /opt/logs /opt/token /opt/lib
cp "$program" /opt/ingest
: >/opt/lib/libchdb.so
mount --bind "$library" /opt/lib/libchdb.so
mount --bind "$dir/logs" /opt/logs
mount --bind "$dir/out" /opt/out
chmod 777 "$dir/out"
(umask 077 && echo NETcanary >/opt/token/token)

mount -t tmpfs tmpfs /run
units=/run/systemd/system
mkdir -p "$units/ingest.service.d"
env -i INGEST_SOURCE=/opt/logs HASOFFERS_NETWORK_ID=acme HASOFFERS_NETWORK_TOKEN_FILE=/opt/token/token INGEST_ENGINE_LIBRARY=/opt/lib/libchdb.so \
	/opt/ingest unit systemd --dir "$units"
cp "$dir/test.conf" "$units/ingest.service.d/"
printf '[Unit]\nDefaultDependencies=no\n' >"$units/network-online.target"

# The memory controller is in one of two places, by the kernel's settings.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
	umount -R /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
	umount -R /sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
	mkdir /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup/memory
	mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
	mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
	mount -t cgroup -o memory cgroup /sys/fs/cgroup/memory
fi
# As a booted machine has it: credentials are mounted in one namespace and seen in another.
mount --make-rshared /
exec env -i container=test /lib/systemd/systemd --system --unit=ingest.service --log-target=console --show-status=no
