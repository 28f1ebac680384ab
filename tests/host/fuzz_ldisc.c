/*
 * Any bytes typed in any mode. The input is a list of steps: settings, typing, reading, output.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "drivers/tty/ldisc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void change_settings(struct ldisc *l, const uint8_t *p)
{
	struct termios2 t = l->termios;

	t.c_iflag = p[0] | p[1] << 8;
	t.c_oflag = p[2] | (p[3] & 0x18) << 8;
	t.c_lflag = p[4] | p[5] << 8;
	t.c_cc[p[6] % NCCS] = p[7];
	ldisc_set_termios(l, &t);
}

static void check(const struct ldisc *l)
{
	assert(l->head - l->tail <= LDISC_BUF);
	assert(l->canon - l->tail <= l->head - l->tail);
	assert(l->echo_head - l->echo_tail <= LDISC_ECHO);
	assert(ldisc_available(l) <= LDISC_BUF);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ldisc l;
	static uint8_t buf[LDISC_BUF];
	bool ended;
	size_t used;

	ldisc_init(&l);
	while (size >= 9) {
		uint8_t what = data[0];

		data++;
		size--;
		switch (what & 3) {
		case 0:
			change_settings(&l, data);
			break;
		case 1:
			for (int i = 0; i < 8 << (what >> 4) % 10; i++)
				ldisc_input(&l, data[i % 8], (enum ldisc_flag)(what >> 2 & 3));
			break;
		case 2:
			ldisc_read(&l, buf, what >> 2, &ended);
			ldisc_unthrottle(&l);
			ldisc_echo_take(&l, buf, what);
			break;
		default:
			used = 0;
			assert(ldisc_output(&l, data, 8, buf, what, &used) <= what);
			assert(used <= 8);
		}
		check(&l);
		data += 8;
		size -= 8;
	}
	return 0;
}
