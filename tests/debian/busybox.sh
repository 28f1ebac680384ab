# The static one, as a whole userland.
set -v
b=busybox
$b ash -c 'echo $((1 + 2)) ${PATH%%:*}'; $b seq 3 | $b tac
$b awk 'BEGIN { printf "%d\n", 3.7 }'; echo abc | $b sed s/b/x/
$b md5sum /etc/passwd | $b cut -c1-4
mkdir d; $b touch d/f; $b find d | $b sort; $b tar cf - d | $b tar tf -
echo text | $b gzip | $b zcat; $b dd if=/dev/zero bs=1k count=2 2>/dev/null | $b wc -c
$b stat -c %a d; $b ls -a d; $b expr 3 + 4; $b date -u -d @0 +%s; $b sh -c '$b true; echo $?'
$b vi --help 2>&1 | $b head -1 | $b cut -c1-7; $b ps | $b grep -c 'busybox [p]s'; $b uname -m
echo 'ibase=16; FF' | $b bc; $b mkdir -p x/y/z; $b rmdir -p x/y/z; $b cp -a d e
$b diff -r d e && echo same; $b mount | $b wc -l | $b grep -c '[0-9]'
$b top -b -n 1 | $b grep -c Mem:; $b free | $b wc -l
echo hello | $b vi -c ':wq' nothing > /dev/null 2>&1
printf ':r d/f\n:wq! out\n' | $b vi -R x > /dev/null 2>&1
$b nslookup 2>&1 | $b head -1 | $b wc -l
