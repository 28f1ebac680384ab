# Another C library: programs compiled with musl here, dynamic and static.
cat > m.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
static __thread int own = 5;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long sum;
static void *add(void *p)
{
	own += (int)(long)p;
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&m);
		sum++;
		pthread_cond_signal(&c);
		pthread_mutex_unlock(&m);
	}
	return (void *)(long)own;
}
static void *robust(void *p) { pthread_mutex_lock(p); return 0; }
static void *forever(void *p) { for (;;) pause(); return p; }
static void threads(void)
{
	pthread_t t[8];
	void *ret;
	long all = 0;
	pthread_mutexattr_t a;
	pthread_mutex_t r;
	for (long i = 0; i < 8; i++)
		pthread_create(&t[i], 0, add, (void *)i);
	pthread_mutex_lock(&m);
	while (sum < 4000)
		pthread_cond_wait(&c, &m);
	pthread_mutex_unlock(&m);
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], &ret);
		all += (long)ret;
	}
	printf("threads %ld %ld %d\n", sum, all, own);
	pthread_create(&t[0], 0, forever, 0);
	pthread_cancel(t[0]);
	pthread_join(t[0], &ret);
	printf("cancelled %d\n", ret == PTHREAD_CANCELED);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&r, &a);
	pthread_create(&t[0], 0, robust, &r);
	pthread_join(t[0], 0);
	printf("robust %d\n", pthread_mutex_lock(&r) == EOWNERDEAD);
}
static volatile sig_atomic_t got;
static void note(int sig) { got += sig; }
static void processes(void)
{
	char *argv[] = {"sh", "-c", "exit 6", 0}, buf[64];
	int status, fd[2];
	pid_t pid;
	FILE *f;
	printf("spawn %d", posix_spawnp(&pid, "sh", 0, 0, argv, environ));
	waitpid(pid, &status, 0);
	printf(" %d\n", WEXITSTATUS(status));
	f = popen("echo from a pipe", "r");
	printf("%s", fgets(buf, sizeof buf, f));
	printf("pclose %d system %d\n", pclose(f), WEXITSTATUS(system("exit 3")));
	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	if (!fork()) { write(fd[1], "child", 6); _exit(0); }
	struct pollfd p = {fd[0], POLLIN, 0};
	printf("poll %d", poll(&p, 1, -1));
	read(fd[0], buf, 6);
	printf(" %s\n", buf);
	wait(0);
	signal(SIGALRM, note);
	timer_t t;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec s = {.it_value.tv_nsec = 1000000};
	sigset_t none, alarm;
	sigemptyset(&none);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, 0);
	timer_create(CLOCK_MONOTONIC, &e, &t);
	timer_settime(t, 0, &s, 0);
	while (!got)
		sigsuspend(&none);
	printf("timer %d\n", got == SIGALRM);
}
static void memory(void)
{
	int fd = shm_open("/musl", O_RDWR | O_CREAT, 0600);
	ftruncate(fd, 8192);
	char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!fork()) { strcpy(p + 4096, "shared"); _exit(0); }
	wait(0);
	printf("%s %d\n", p + 4096, shm_unlink("/musl"));
	sem_t *s = sem_open("/musl", O_CREAT, 0600, 0);
	if (!fork()) { sem_post(s); _exit(0); }
	printf("sem %d", sem_wait(s));
	wait(0);
	printf(" %d\n", sem_unlink("/musl"));
	char *big = malloc(50 << 20);
	memset(big, 1, 50 << 20);
	big = realloc(big, 100 << 20);
	printf("%d\n", big[(50 << 20) - 1]);
	free(big);
}
static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(int argc, char **argv)
{
	int n[] = {5, 3, 9, 1};
	glob_t g;
	struct rlimit r;
	qsort(n, 4, sizeof n[0], order);
	printf("%d%d%d%d %.6f %s %d\n", n[0], n[1], n[2], n[3], sqrt(2), argv[1], argc);
	threads();
	processes();
	memory();
	glob("*.c", 0, 0, &g);
	getrlimit(RLIMIT_STACK, &r);
	printf("%zu %s %d %s\n", g.gl_pathc, g.gl_pathv[0], r.rlim_cur > 0, strerror(ENOTDIR));
	void *h = dlopen("./libl.so", RTLD_NOW);
	if (h)
		printf("dlopen %d\n", ((int (*)(int))dlsym(h, "twice"))(21));
	fflush(stdout);
	abort();
}
END
echo 'int twice(int x) { return 2 * x; }' > l.c
musl-gcc -O2 -shared -fPIC -o libl.so l.c
musl-gcc -O2 -o dynamic m.c && ./dynamic one; echo $?
musl-gcc -O2 -static -o static m.c && ./static two; echo $?
musl-gcc -O2 -static-pie -fPIE -o pie m.c && ./pie three; echo $?
/lib/ld-musl-riscv64.so.1 --list ./dynamic | wc -l
