# The compiler: hello, optimised numbers, several files, threads, a shared library, a crash.
cat > hello.c <<'END'
#include <stdio.h>
int main(int argc, char **argv) { printf("hello %d %s\n", argc, argv[1]); return 3; }
END
gcc -Wall -O2 -o hello hello.c && ./hello world; echo $?
gcc -static -o hello hello.c && ./hello static; echo $?
cat > t.c <<'END'
#include <pthread.h>
#include <stdio.h>
static long sum; static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *f(void *p)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&m);
		sum += (long)p;
		pthread_mutex_unlock(&m);
	}
	return 0;
}
int main(void)
{
	pthread_t t[4];

	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], 0, f, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], 0);
	printf("%ld\n", sum);
	return 0;
}
END
gcc -O2 -pthread -o t t.c && ./t
echo 'int twice(int x) { return 2 * x; }' > l.c; gcc -shared -fPIC -o libl.so l.c
echo 'int twice(int); int main(void) { return twice(21); }' > m.c
gcc -o m m.c -L. -ll && LD_LIBRARY_PATH=. ./m; echo $?
echo 'int main(void) { return *(volatile int *)8; }' > s.c; gcc -o s s.c && sh -c ./s; echo $?
echo 'int main(void) { return x; }' > bad.c; gcc bad.c; echo $?
gcc -S -O2 -o - l.c | grep -c ret; objdump -f hello | grep architecture; ldd t | wc -l
nm l.so 2>&1 | wc -l; size -A hello | tail -2 | wc -l; strip hello && ./hello stripped
