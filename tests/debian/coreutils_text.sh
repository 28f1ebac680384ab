# Programs that read text and write text.
set -v
seq 1 100 > n; head -3 n; tail -n 2 n; tac n | head -1; wc n; nl -w2 n | tail -1
sort -rn n | head -1
sort -k1.2 n | head -3; shuf -i 1-10 | sort -n | paste -sd,; uniq -c <<E
a
a
b
E
cut -d: -f1 /etc/passwd | head -2; tr a-z A-Z < /etc/hostname; paste -d, n n | head -1
join n n | tail -1; comm -12 n n | wc -l
fold -w 5 <<E
abcdefgh
E
fmt -w 20 <<E
some words that are to be put into lines
E
expand <<E
a	b
E
unexpand -a <<E
a       b
E
pr -t -2 -l 4 n | head -2; od -c n | head -2; base64 n | head -1; base32 n | head -1
base64 n | base64 -d | cmp - n
cksum n; sum n; md5sum n; sha1sum n; sha224sum n; sha256sum n; sha384sum n; sha512sum n; b2sum n
md5sum n > s; md5sum -c s
numfmt --to=iec 123456789; factor 1234567890; seq -s, 5; printf '%5.2f|%-5s|%x\n' 3.14159 ab 255
expr 6 \* 7; echo -e 'a\tb'
tsort <<E
a b
b c
E
ptx -w 30 <<E
one two
E
tee copy < n | tail -1; cmp n copy; yes | head -2; split -n l/3 n q; wc -l q*
dd if=n bs=10 count=1 status=none; od -An -tx4 -N8 n
