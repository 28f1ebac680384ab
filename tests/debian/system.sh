# procps, util-linux, e2fsprogs.
set -v
ps -o comm= -p 1; ps -o pid= -p $$ | wc -l; pgrep -x -o init; free | wc -l; vmstat | wc -l
pmap $$ | tail -1 | cut -c1-6; top -b -n 1 | grep -c 'PID USER'; sysctl -n kernel.ostype
pidof init | grep -cw 1; uptime -p | wc -l; w -h | wc -l
sh -c 'sleep 300 & until pkill -P $$ sleep; do :; done; wait $!; echo $?' 2>/dev/null
prlimit --nofile=30:40 sh -c 'ulimit -n'; fallocate -l 1M f; stat -c '%s %b' f
flock f echo locked; getopt -o ab: -- -a -b 1 x; hexdump -C /etc/hostname; rev /etc/hostname
column -t -s: /etc/passwd | head -1
findmnt -no FSTYPE /; mountpoint /; mountpoint /etc; setsid -w echo session
taskset -c 0 echo pinned; chrt -p $$ | head -1 | sed 's/[0-9]*.s current/PID/'; uuidgen | wc -c
namei -l /etc/hostname | tail -1 | cut -c1-11
mke2fs -q -F -t ext4 img 8M; e2fsck -fn img; echo data > src
debugfs -w -R 'write src in' img 2>&1 | tail -1; debugfs -R 'cat in' img
dumpe2fs -h img 2>/dev/null | grep -c 'Block count'; tune2fs -L name img > /dev/null
e2label img; resize2fs img 6M; dd if=/dev/zero of=img2 bs=1M count=1 status=none; chmod 600 img2
mkswap -U clear img2
mount -t tmpfs none /mnt; echo x > /mnt/f; mount | grep -c ' /mnt '; umount /mnt
ls /mnt | wc -l; blkid img | sed 's/UUID="[^"]*/UUID="x/'; wipefs img | wc -l; cal 2 2024
script -qc 'echo typed' /dev/null < /dev/null; dmesg | head -1 | wc -l
lscpu | grep -c Architecture
