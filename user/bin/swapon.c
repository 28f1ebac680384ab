/* swapon, swapoff: swap areas on and off; what is on is in /proc/swaps. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/swap.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int show(void)
{
	FILE *f = fopen("/proc/swaps", "r");
	int c;

	if (!f) {
		warn("/proc/swaps");
		return 1;
	}
	while ((c = getc(f)) != EOF)
		putchar(c);
	fclose(f);
	return 0;
}

static int swapon_main(int argc, char **argv)
{
	int opt, flags = 0, status = 0;

	while ((opt = getopt(argc, argv, "dp:")) != -1) {
		if (opt == 'd')
			flags |= SWAP_FLAG_DISCARD;
		else if (opt == 'p')
			flags |= SWAP_FLAG_PREFER | (atoi(optarg) & SWAP_FLAG_PRIO_MASK);
		else
			usage(2);
	}
	if (optind == argc)
		return show();
	for (; optind < argc; optind++) {
		if (swapon(argv[optind], flags) < 0) {
			warn("%s", argv[optind]);
			status = 1;
		}
	}
	return status;
}

static int swapoff_main(int argc, char **argv)
{
	int i, status = 0;

	if (argc < 2)
		usage(2);
	for (i = 1; i < argc; i++) {
		if (swapoff(argv[i]) < 0) {
			warn("%s", argv[i]);
			status = 1;
		}
	}
	return status;
}

TOOL("swapon", swapon_main, "[-d] [-p PRIORITY] [FILE]...");
TOOL("swapoff", swapoff_main, "FILE...");
