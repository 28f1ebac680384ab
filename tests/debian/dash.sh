# The shell itself: words, expansions, functions, traps, jobs, here-documents.
set -e
f() { for i; do printf '<%s>' "$i"; done; echo; }
f "a b" c\ d "$(echo x y)" 'q"q' $((7 * 6 % 5)) "${unset:-default}" "${0##*/}"
trap 'echo trapped' USR1
kill -USR1 $$
sh -c 'exit 7' || echo "status $?"
(sleep 100 & kill $!; wait $! || echo "waited $?") 2>/dev/null
cat <<-END
	here $((1 + 1)) $(echo inner)
END
echo a b c | while read -r x y; do echo "$y-$x"; done
case abc.tar.gz in *.gz) echo gz;; esac
set -- 1 2 3; shift; echo "$# $*"
echo {1..3} | tr -d '{}'
(ulimit -n 20; ulimit -n)
sh -c 'kill -9 $$' || echo "killed $?"
exec 3>out; echo three >&3; exec 3>&-; cat out
