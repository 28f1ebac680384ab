/*
 * UTS namespaces; uname(2), sethostname(2), setdomainname(2).
 */
#include "kernel/utsname.h"

#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct uts_namespace uts_first = {
	.ns = {1, NS_UTS, NS_FIRST_UTS},
	.name = {
		.sysname = "Linux", /* the ABI programs test for */
		.nodename = "xv39",
		.release = "6.12.0-xv39",
		.version = "#1 SMP PREEMPT",
		.machine = "riscv64",
		.domainname = "(none)",
	},
};
static struct spinlock uts_lock = SPINLOCK_INIT("uts", RANK_FILES);

const struct line uts_sysname = {uts_first.name.sysname, sizeof(uts_first.name.sysname), &uts_lock};
const struct line uts_release = {uts_first.name.release, sizeof(uts_first.name.release), &uts_lock};

static struct utsname *own(void)
{
	return &container_of(current()->ns->of[NS_UTS], struct uts_namespace, ns)->name;
}

struct line uts_nodename(void)
{
	return (struct line){own()->nodename, sizeof(own()->nodename), &uts_lock};
}

struct line uts_domainname(void)
{
	return (struct line){own()->domainname, sizeof(own()->domainname), &uts_lock};
}

struct ns *uts_copy(const struct ns *old, struct fscontext *fs)
{
	struct uts_namespace *u = kzalloc(sizeof(*u));

	if (!u)
		return err_ptr(-ENOMEM);
	ns_init(&u->ns, NS_UTS);
	spin_lock(&uts_lock);
	u->name = container_of((struct ns *)old, struct uts_namespace, ns)->name;
	spin_unlock(&uts_lock);
	return &u->ns;
}

void uts_free(struct ns *ns)
{
	kfree(container_of(ns, struct uts_namespace, ns));
}

SYSCALL1(uname, uaddr_t, out)
{
	struct utsname u;

	spin_lock(&uts_lock);
	u = *own();
	spin_unlock(&uts_lock);
	/* For programs that know no first number but 2: 6.12 is 2.6.72, as on Linux. */
	if (current()->process->personality & PERSONALITY_UNAME26)
		snprintf(u.release, sizeof(u.release), "2.6.72%s",
			 strchr(uts_first.name.release, '-'));
	return copy_to_user(out, &u, sizeof(u));
}

static long set_name(const struct line *line, uaddr_t name, int len)
{
	char buf[64];

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > 64)
		return -EINVAL;
	if (copy_from_user(buf, name, len))
		return -EFAULT;
	line_set(line, buf, (size_t)len);
	return 0;
}

SYSCALL2(sethostname, uaddr_t, name, int, len)
{
	struct line line = uts_nodename();

	return set_name(&line, name, len);
}

SYSCALL2(setdomainname, uaddr_t, name, int, len)
{
	struct line line = uts_domainname();

	return set_name(&line, name, len);
}
