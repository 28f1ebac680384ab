# vim.tiny in Ex mode, less without a terminal.
set -v
seq 10 > n; printf '%%s/1/one/g\n3d\nwq\n' | vim.tiny -u NONE -e -s n; cat n; less n | tail -2
more n | head -1; printf 'G\nq' | less -X n > /dev/null; echo $?
