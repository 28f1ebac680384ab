# strace: programs seen and changed from outside.
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
sleeps() {
	until [ "$(cut -d' ' -f3 "/proc/$1/stat")" = S ]; do :; done
}
traced() {
	until [ "$(awk '/TracerPid/ { print $2 }' "/proc/$1/status")" = "$2" ]; do :; done
}
set -v
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
kill -TERM $p; wait $p 2> /dev/null; echo $?; wait $t; echo $?; tail -1 log
