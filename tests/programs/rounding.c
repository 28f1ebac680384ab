/*
 * The floating-point environment: rounding modes, exception flags, special values, libm.
 */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static volatile double one = 1.0, three = 3.0, zero = 0.0, huge = DBL_MAX, tiny = DBL_MIN;
static volatile double half = 2.5;

static void modes(void)
{
	static const int list[] = { FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD };
	static const char *const names[] = { "nearest", "zero", "down", "up" };

	for (int i = 0; i < 4; i++) {
		fesetround(list[i]);
		volatile double third = one / three, minus = -one / three;
		volatile double down = rint(half), up = rint(-half);

		fesetround(FE_TONEAREST);
		printf("%-8s %a %a %g %g\n", names[i], third, minus, down, up);
	}
}

static void flag(const char *what, double value)
{
	int raised = fetestexcept(FE_ALL_EXCEPT);

	printf("%-10s %g:%s%s%s%s%s\n", what, fabs(value), raised & FE_INVALID ? " invalid" : "",
	       raised & FE_DIVBYZERO ? " division" : "", raised & FE_OVERFLOW ? " overflow" : "",
	       raised & FE_UNDERFLOW ? " underflow" : "", raised & FE_INEXACT ? " inexact" : "");
	feclearexcept(FE_ALL_EXCEPT);
}

int main(void)
{
	volatile float single = 16777216.0f;
	volatile double big = 1e300;

	modes();
	feclearexcept(FE_ALL_EXCEPT);
	flag("exact", one + one);
	flag("third", one / three);
	flag("1/0", one / zero);
	flag("0/0", zero / zero);
	flag("overflow", huge * huge);
	flag("underflow", tiny / 3e10);
	flag("sqrt(-1)", sqrt(-one));
	printf("%d %d %d\n", isnan(zero / zero) != 0, isinf(one / zero), signbit(-zero) != 0);
	printf("%.1f %g\n", (double)(single + 1.0f), big * 10);
	printf("%.15g %.15g %.15g\n", sin(1.0), exp(1.0), log(10.0));
	printf("%.15g %.15g %.15g\n", pow(2.0, 0.5), atan2(1.0, -1.0), cbrt(27.0));
	printf("%g %g %g\n", fmod(7.5, 2.0), floor(-1.5), fma(2.0, 3.0, 4.0));
	printf("%.17g %s\n", strtod("0.1", NULL), strtod("0x1.8p1", NULL) == 3.0 ? "three" : "?");
	return 0;
}
