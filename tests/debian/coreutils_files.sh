# Programs that make, change and look at files.
set -v
mkdir -p d/e/f; touch -d '2020-02-03 04:05:06' d/t; stat -c '%n %s %a %h %Y %F' d/t
seq 1000 > n; cp -a n n2; cmp n n2; ln n n3; ln -s n n4; readlink n4; readlink -f n4
stat -c '%h %F' n n4; mv n2 d/; cp -r d d2; ls -R d2; ls -l --time-style=+ n n4 | cut -c1-10,14-
chmod u=rwx,go= n; stat -c %a n; chmod 4755 n; ls -l n | cut -c1-10; chown 1000:1000 n
stat -c %u:%g n
chgrp 5 n; stat -c %G n; install -m 640 n i; stat -c %a i; rmdir d/e/f && echo gone; rm -rf d d2
ls
truncate -s 100K big; stat -c '%s %b' big
dd if=/dev/zero of=big bs=1K count=3 seek=10 conv=notrunc status=none
stat -c %s big; du -k --apparent-size big; mktemp -u XXX | wc -c; split -l 300 n part; ls part*
csplit -s n 500; wc -l xx*
shred -u xx00; ls xx00; mkfifo p; stat -c %F p; mknod null c 1 3; stat -c '%F %t %T' null; sync
df / | wc -l
unlink p; link n nn; pathchk /a/b; basename /a/b.c .c; dirname /a/b; realpath ../coreutils_files
test -L n4 && echo link
cp --sparse=always big big2; cmp big big2; cp --reflink=auto n r; cat /dev/null > r
test -s r || echo empty
ls -la --time-style=+ nodir; vdir nothing; dir; touch -r n ref; stat -c %Y ref n | uniq | wc -l
