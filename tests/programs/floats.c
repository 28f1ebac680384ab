/*
 * Floating point: printing, rounding modes, special values, exception flags, and registers that
 * survive other processes doing the same.
 */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile double zero = 0.0, one = 1.0, three = 3.0;

static void printing(void)
{
	printf("%.17g %e %a %g\n", 0.1, 12345.678, 1.5, 1e100);
	printf("%f %f %f %g\n", one / zero, -one / zero, fabs(zero / zero), DBL_MIN / 2);
	printf("%.6f %.6f %.6f %.6f\n", sqrt(2), sin(1), exp(1), pow(2, 0.5));
	printf("%Lf\n", 1.0L / 3.0L);
}

static void rounding(void)
{
	static const int mode[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
	int i;

	for (i = 0; i < 4; i++) {
		fesetround(mode[i]);
		printf("%.17g %.0f%c", one / three, rint(2.5 * one), i < 3 ? ' ' : '\n');
	}
	fesetround(FE_TONEAREST);
	feclearexcept(FE_ALL_EXCEPT);
	zero = one / zero;
	printf("divide by zero %d, inexact %d\n", fetestexcept(FE_DIVBYZERO) != 0,
	       fetestexcept(FE_INEXACT) != 0);
	zero = 0.0;
}

/* A sum that a single wrong register, at any time, would spoil. */
static double series(int k)
{
	double a = k, b = 1, c = 0, d = 0.5;
	int i;

	for (i = 1; i < 2000000; i++) {
		a = a * 0.999999 + d;
		b = b + 1.0 / (i * (double)i);
		c = c * 0.5 + a * b;
		d = 1.0 - d * 0.25;
	}
	return a + b + c + d;
}

int main(void)
{
	int k, status, wrong = 0;
	double expected[8];

	printing();
	rounding();
	fflush(stdout);
	for (k = 0; k < 8; k++)
		expected[k] = series(k);
	for (k = 0; k < 8; k++) {
		if (fork() == 0) {
			fesetround(k % 2 ? FE_TONEAREST : FE_TONEAREST);
			_exit(series(k) != expected[k]);
		}
	}
	for (k = 0; k < 8; k++) {
		wait(&status);
		wrong += status != 0;
	}
	printf("%d of 8 wrong\n", wrong);
	return wrong != 0;
}
