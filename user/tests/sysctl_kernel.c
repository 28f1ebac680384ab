/*
 * sysctl: in /proc/sys/kernel, who may read messages, and where programs lie.
 */
#include "ut.h"

#include <linux/capability.h>
#include <sys/klog.h>
#include <sys/syscall.h>

#define KERNEL "/proc/sys/kernel/"

static void messages(bool may)
{
	char buf[64];
	int fd;

	if (may) {
		CHECK_OK(klogctl(3, buf, sizeof(buf)));
		CHECK_OK(klogctl(10, NULL, 0));
		fd = (int)CHECK_OK(open("/dev/kmsg", O_RDONLY));
		CHECK_OK(close(fd));
		return;
	}
	CHECK_ERR(klogctl(3, buf, sizeof(buf)), EPERM);
	CHECK_ERR(klogctl(10, NULL, 0), EPERM);
	CHECK_ERR(open("/dev/kmsg", O_RDONLY), EPERM);
}

static void messages_for_all(void)
{
	messages(true);
	become_user();
	messages(true);
}

static void messages_for_some(void)
{
	messages(true);
	become_user();
	messages(false);
}

TEST(sysctl, dmesg_restrict, .root = true)
{
	setting_with(KERNEL "dmesg_restrict", 0, messages_for_all);
	setting_with(KERNEL "dmesg_restrict", 1, messages_for_some);
	CHECK_EQ(setting_put(KERNEL "dmesg_restrict", "2\n"), EINVAL);
}

/* Root without the power may write to the file, but not this. */
TEST(sysctl, dmesg_restrict_is_for_admins, .root = true)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(syscall(SYS_capget, &header, data));
		data[0].effective &= ~(1u << CAP_SYS_ADMIN);
		CHECK_OK(syscall(SYS_capset, &header, data));
		CHECK_EQ(setting_put(KERNEL "dmesg_restrict", "0\n"), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Where a program that was just started has its stack, and its break. */
static void places(unsigned long *stack, unsigned long *brk)
{
	char text[1024], byte, *at;
	int p[2];
	pid_t pid;

	CHECK_OK(pipe2(p, O_CLOEXEC));
	pid = child();
	if (!pid) {
		exec_helper("pause", NULL);
		_exit(1);
	}
	CHECK_OK(close(p[1]));
	CHECK_EQ(read(p[0], &byte, 1), 0);
	CHECK_OK(close(p[0]));
	wait_state(pid, "S");
	snprintf(text, sizeof(text), "/proc/%d/stat", pid);
	file_text(text, text, sizeof(text));
	at = strrchr(text, ')');
	for (int field = 2; field < 28; field++)
		at = strchr(at + 1, ' ');
	*stack = strtoul(at, NULL, 10);
	for (int field = 28; field < 47; field++)
		at = strchr(at + 1, ' ');
	*brk = strtoul(at, NULL, 10);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* Two programs that lie at the same place by chance are not worth a word. */
static void compare(bool stack_moves, bool brk_moves)
{
	unsigned long stack, brk, first_stack, first_brk;
	bool stack_moved = false, brk_moved = false;

	places(&first_stack, &first_brk);
	for (int i = 0; i < 6; i++) {
		places(&stack, &brk);
		stack_moved |= stack / 4096 != first_stack / 4096;
		brk_moved |= brk != first_brk;
	}
	CHECK_EQ(stack_moved, stack_moves);
	CHECK_EQ(brk_moved, brk_moves);
}

static void all_random(void)
{
	compare(true, true);
}

static void brk_fixed(void)
{
	compare(true, false);
}

static void nothing_random(void)
{
	compare(false, false);
}

TEST(sysctl, randomize_va_space, .root = true)
{
	setting_with(KERNEL "randomize_va_space", 0, nothing_random);
	setting_with(KERNEL "randomize_va_space", 1, brk_fixed);
	setting_with(KERNEL "randomize_va_space", 2, all_random);
}
