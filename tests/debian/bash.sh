# What bash has beyond: arrays, process substitution, coprocesses, extended tests, job control.
bash -s <<'END'
a=(one "two three" four); echo "${#a[@]} ${a[1]} ${a[@]:1:2}"
declare -A m=([x]=1 [y]=2); for k in x y; do echo "$k=${m[$k]}"; done
diff <(seq 3) <(seq 2 4)
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[2]}"
printf '%(%Y-%m-%d)T\n' 86400
echo {1..5} {a..c}x
set -m; sleep 50 & kill %1; wait %1; echo "job $?"
shopt -s extglob; touch a.c b.c c.h
echo !(*.h)
mapfile -t lines < <(printf 'l1\nl2\n'); echo "${lines[1]}"
trap 'echo end' EXIT; ( exit 3 ); echo "sub $?"
read -r -t 0.1 nothing < <(sleep 5) ; echo "read $?"
time_out=$({ time true; } 2>&1 | grep -c real); echo "$time_out"
END
bash-static -c 'echo $((2**40)) ${BASH##*/}'
