# strace, gdb and gdbserver: programs seen and changed from outside.
cat > p.c <<'C'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

volatile int total;

static int add(int n)
{
	for (int i = 1; i <= n; i++)
		total += i;
	return total;
}

static void *work(void *arg)
{
	return (void *)(long)add((int)(long)arg);
}

static void handler(int sig)
{
	total += sig;
}

int main(int argc, char **argv)
{
	pthread_t t;
	void *sum;

	if (argc > 1 && argv[1][0] == 'a')
		abort();
	if (argc > 1 && argv[1][0] == 's')
		for (;;)
			pause();
	signal(SIGUSR1, handler);
	printf("add %d\n", add(4));
	pthread_create(&t, NULL, work, (void *)5L);
	pthread_join(t, &sum);
	raise(SIGUSR1);
	printf("total %d\n", total);
	fflush(stdout);
	if (!fork())
		_exit(add(argc));
	wait(NULL);
	return 3;
}
C
gcc -g -O0 -o p p.c
echo data > file
alter() {
	sed -E -e 's/0x[0-9a-f]+/ADDR/g' -e 's/\[?(pid|Thread|process|LWP) +[0-9]+/\1 N/g' \
		-e 's/^[0-9]+ +/N /' -e 's/pid = [0-9]+/pid = N/; s/N\.[0-9]+ /N.N /' \
		-e '/^\[(New Thread|Thread .*exited|Switching to)/d'
}
db() {
	gdb -q -batch -nx "$@" 2>&1 | alter
}
sleeps() {
	until [ "$(cut -d' ' -f3 "/proc/$1/stat")" = S ]; do :; done
}
traced() {
	until [ "$(awk '/TracerPid/ { print $2 }' "/proc/$1/status")" = "$2" ]; do :; done
}
set -v
# strace
strace -o log -e trace=openat,read,write,close -P "$PWD/file" cat "$PWD/file"; cat log
strace -o log -f -e trace=clone,clone3,execve,wait4,exit_group -e signal=none \
	sh -c 'true; /bin/true; :'
sed 's/^[0-9]* *//; s/[(<].*//; s/ with.*//' log | sort | uniq -c
strace -c -o log ls file; awk '$NF ~ /^(execve|openat|total)$/ { print $NF }' log | sort
strace -o log -e inject=openat:error=EMFILE:when=3+ cat file; echo $?
strace -o log -e inject=getuid:retval=77 id -ru; grep -c INJECTED log
strace -o log -e trace=none -e signal=usr1 -e inject=getpid:signal=USR1 \
	sh -c 'trap "echo caught" USR1; sleep 0'; head -3 log
strace -o log -y -e trace=read,fstat cat file; grep -o 'read(.*file>, "[^"]*' log
strace -o log -f ./p; echo $?
grep -c 'SIGUSR1 {si_signo=SIGUSR1' log; grep -c 'exited with 3' log
./p s & p=$!; sleeps $p
strace -o log -p $p 2> /dev/null & t=$!; traced $p $t
kill -TERM $p; wait $p; echo $?; wait $t; echo $?; tail -1 log
# gdb
db -ex 'set confirm off' -ex 'break add' -ex run -ex bt -ex 'info args' -ex 'print n' \
	-ex 'set var n = 2' -ex finish -ex 'print total' -ex 'print add(3)' -ex kill ./p
db -ex 'break main' -ex run -ex 'watch total' -ex continue -ex continue -ex 'info watchpoints' \
	-ex 'delete' -ex 'handle SIGUSR1 stop print' -ex continue \
	-ex 'print $_siginfo.si_signo' -ex continue ./p
db -ex 'break work' -ex run -ex 'info threads' -ex 'thread apply all bt 1' -ex 'p $a0' \
	-ex stepi -ex 'x/i $pc' -ex next -ex continue ./p
db -ex 'set follow-fork-mode child' -ex 'catch fork' -ex run -ex 'delete' -ex 'break add' \
	-ex continue -ex 'bt 2' -ex continue ./p
ulimit -c unlimited; ./p a; echo $?; ls core* | wc -l
db -ex bt -ex 'info registers sp' ./p core* | grep -E 'main|signal'
rm core*; ./p s & p=$!; sleeps $p
db -p $p -ex 'bt -2' -ex 'set var total = 9' -ex 'gcore saved' -ex detach |
	grep -E 'main|Saved|detached'
db -ex 'print total' ./p saved | grep '^\$1'
kill -TERM $p; wait $p; echo $?
# gdbserver
db -ex 'target remote | gdbserver --once - ./p' -ex 'break add' -ex continue -ex bt \
	-ex 'info threads' -ex 'delete' -ex continue ./p
gdbserver --once 127.0.0.1:2345 ./p a > server 2>&1 &
until grep -q Listening server; do :; done
db -ex 'target remote 127.0.0.1:2345' -ex continue -ex 'bt -1' -ex kill ./p
wait; grep -c . server
