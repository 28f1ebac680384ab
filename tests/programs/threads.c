/*
 * Threads: a mutex, a condition variable, thread-local storage, a barrier, join.  77 where the
 * kernel has no threads yet.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS	8
#define ROUNDS	20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counter;
static int turn;
static _Thread_local long own;

static void *work(void *argument)
{
	long me = (long)argument;
	int i;

	pthread_barrier_wait(&barrier);
	for (i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		own += me;
	}
	pthread_mutex_lock(&lock);
	while (turn != me)
		pthread_cond_wait(&changed, &lock);
	printf("thread %ld\n", me);
	turn++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return (void *)own;
}

int main(void)
{
	pthread_t thread[THREADS];
	void *result;
	long i, sum = 0;
	int error;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		error = pthread_create(&thread[i], NULL, work, (void *)i);
		if (error && i == 0) {
			printf("no threads: %s\n", strerror(error));
			return error == EINVAL || error == ENOSYS ? 77 : 1;
		}
		if (error)
			return 1;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &result);
		sum += (long)result;
	}
	printf("counter %ld, sum %ld\n", counter, sum);
	return 0;
}
