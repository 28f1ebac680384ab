# grep, sed, gawk, find, xargs, diff.
set -v
seq 1 50 > n; grep -c 3 n; grep -nE '^(1|2)5$' n; grep -o '[0-9]$' n | sort -u | wc -l
grep -rl 42 .; grep -v . n; echo $?; printf 'a\0b' | grep -c b
sed -n '5,7p;$=' n; sed -e 's/\(.\)\(.\)/\2\1/' -e '3q' n | tail -1; sed -i.bak 's/^1$/one/' n
head -1 n n.bak; echo ab | sed 'h;G;y/ab/xy/;N;N;s/\n/-/g'
gawk 'BEGIN { n = split("a:b:c", p, ":"); for (i = n; i; i--) printf "%s ", p[i];
	print strftime("%Y", 0, 1), length("xyz"), 2 ** 10, substr("hello", 2, 3) }'
gawk '{ s += $1 } END { print s, NR }' n; echo 'k=v;k2=v2' | gawk -F'[=;]' '{ print $4 }'
gawk 'BEGIN { "echo cmd" | getline x; print x; print "b\na" | "sort" }'
mkdir -p t/u; touch t/a t/b t/u/c; ln -s a t/l; find t -type f | sort
find t -name 'b' -exec echo found {} \;; find t -newer n -type d | sort
find t -type l -printf '%p->%l\n'
find t -type f -print0 | xargs -0 -n 2 echo | wc -l
seq 20 | xargs -P 4 -n 5 sh -c 'echo $#' sh | sort | uniq -c; find t -depth -delete; ls
printf '1\n2\n3\n' > a; printf '1\n3\n4\n' > b; diff a b; diff -u a b | tail -n +3; diff3 a b a
cmp a b; sdiff -w 20 a b; diff -u a b > p; sed 's/x/y/' < p | wc -l
