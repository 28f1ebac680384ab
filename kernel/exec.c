/*
 * execve(2): the running process gets a new program.
 *
 * Everything that can fail is done before anything is lost: strings copied, headers checked, the
 * new address space built and filled while the old one still stands. Then the other threads die,
 * and what remains cannot fail.
 */
#include "fs/file.h"
#include "kernel/dispatch.h"
#include "kernel/execargs.h"
#include "kernel/futex.h"
#include "kernel/keys/key.h"
#include "kernel/loader.h"
#include "kernel/machine.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/posixtimer.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"
#include "kernel/random.h"
#include "kernel/remote.h"
#include "kernel/riscv.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/trap.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/mman.h"
#include "kernel/uapi/resource.h"
#include "kernel/vdso.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/reclaim.h"
#include "mm/usercopy.h"

#define PATH_MAX      4096
#define HEAD_SIZE     256  /* of the file, for its magic or #! line (execve(2)) */
#define SCRIPT_DEPTH  5
#define STACK_INITIAL (128 * KiB)
#define STACK_SECURE  (8 * MiB) /* of RLIMIT_STACK, at most, with AT_SECURE */
#define PIE_BASE      (USER_TOP / 3 * 2 & PAGE_MASK)

/* All that an exec gathers on its way; too large for the stack. */
struct exec {
	struct exec_args args;
	struct elf_image program, interp;
	char head[HEAD_SIZE];
	char path[PATH_MAX];	 /* as AT_EXECFN shows it */
	char script[HEAD_SIZE];
	struct file *file;
	struct aspace *as;
	struct exec_layout layout;
	const struct cred *cred; /* what it runs with */
	bool secure;		 /* AT_SECURE */
	bool elevated;		 /* the file gives it more than its caller has */
	bool unreadable;	 /* by its caller, who may look at its memory no more than at it */
	uint64_t dice;		 /* random bits not used yet; 0: addresses are not random */
	uint64_t stack_limit;	 /* RLIMIT_STACK that it runs with */
	uaddr_t sp, entry;
};

uint64_t randomize_va_space = 2;

/* Less than `pages`, a power of two, in bytes. All that is asked for in an exec is 58 bits. */
static uint64_t random_pages(struct exec *x, uint64_t pages)
{
	uint64_t offset = (x->dice % pages) * PAGE_SIZE;

	x->dice /= pages;
	return offset;
}

static int read_head(struct exec *x)
{
	ssize64_t n = file_read_at(x->file, x->head, HEAD_SIZE, 0);

	if (n < 0)
		return n;
	memset(x->head + n, 0, HEAD_SIZE - n);
	return n ? n : -ENOEXEC;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "#! interpreter [one argument]": open the interpreter in the script's place. */
static int follow_script(struct exec *x)
{
	char *line = x->script, *end, *name, *arg = NULL;
	const char *with[3];
	struct file *f;
	uint32_t n = 0;
	int err;

	memcpy(line, x->head + 2, HEAD_SIZE - 2);
	line[HEAD_SIZE - 2] = 0;
	end = strchr(line, '\n');
	if (!end && strlen(line) == HEAD_SIZE - 2)
		return -ENOEXEC; /* the line is cut off: Linux refuses a name that may be partial */
	if (!end)
		end = line + strlen(line);
	while (end > line && blank(end[-1]))
		end--;
	*end = 0;
	for (name = line; blank(*name); name++)
		;
	if (!*name)
		return -ENOEXEC;
	for (end = name; *end && !blank(*end); end++)
		;
	if (*end) {
		*end++ = 0;
		while (blank(*end))
			end++;
		arg = *end ? end : NULL;
	}
	with[n++] = name;
	if (arg)
		with[n++] = arg;
	with[n++] = x->path;
	err = exec_args_replace_first(&x->args, with, n);
	if (err)
		return err;
	f = file_open_exec(AT_FDCWD, name, 0);
	if (is_err(f))
		return ptr_err(f);
	file_put(x->file);
	x->file = f;
	strlcpy(x->path, name, sizeof(x->path));
	return 0;
}

/* Find the program behind scripts, and its interpreter if it is dynamic. */
static int load_headers(struct exec *x)
{
	struct file *f;
	int n, err;

	for (int depth = 0;; depth++) {
		n = read_head(x);
		if (n < 0)
			return n;
		if (x->head[0] != '#' || x->head[1] != '!')
			break;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		err = follow_script(x);
		if (err)
			return err;
	}
	err = elf_read(&x->program, x->file, x->head, n);
	if (err || !x->program.interp[0])
		return err;
	f = file_open_exec(AT_FDCWD, x->program.interp, 0);
	if (is_err(f))
		return ptr_err(f);
	x->interp.file = f;
	n = file_read_at(f, x->head, HEAD_SIZE, 0);
	if (n < 0)
		return n;
	err = elf_read(&x->interp, f, x->head, n);
	if (err == -ENOEXEC || x->interp.interp[0] || (!err && x->interp.header.type != ET_DYN))
		return -ELIBBAD;
	return err;
}

/* Where a position-independent image goes; 0 for one linked to an address. */
static uint64_t choose_bias(struct exec *x, const struct elf_image *e, uaddr_t base)
{
	if (e->header.type == ET_EXEC)
		return 0;
	return base + random_pages(x, 1 << 16) - e->low;
}

static void note_layout(struct exec *x)
{
	struct exec_layout *l = &x->layout;
	const struct elf_image *e = &x->program;

	l->start_code = UINT64_MAX;
	for (int i = 0; i < e->header.phnum; i++) {
		const struct elf_phdr *p = &e->phdrs[i];

		if (p->type != PT_LOAD)
			continue;
		if (p->flags & PF_X) {
			l->start_code = MIN(l->start_code, e->bias + p->vaddr);
			l->end_code = MAX(l->end_code, e->bias + p->vaddr + p->filesz);
		} else if (p->flags & PF_W) {
			l->start_data = e->bias + p->vaddr;
			l->end_data = e->bias + p->vaddr + p->filesz;
		}
	}
	if (l->start_code == UINT64_MAX)
		l->start_code = 0;
	l->start_brk = e->bias + e->high;
	if (randomize_va_space > 1)
		l->start_brk += random_pages(x, 1 << 13);
}

static int map_images(struct exec *x)
{
	int err;

	x->program.bias = choose_bias(x, &x->program, PIE_BASE);
	err = elf_map(&x->program, x->as);
	if (err)
		return err;
	x->entry = x->program.bias + x->program.header.entry;
	note_layout(x);
	if (x->interp.file) {
		uaddr_t at = aspace_hole(x->as, 0, x->interp.high - x->interp.low, PAGE_SIZE);

		if (!at)
			return -ENOMEM;
		x->interp.bias = at - x->interp.low;
		err = elf_map(&x->interp, x->as);
		if (err)
			return err;
		x->entry = x->interp.bias + x->interp.header.entry;
	}
	return vdso_map(x->as, &x->layout.vdso);
}

/* What the auxiliary vector says of this program alone. */
static void note_auxv(struct exec *x, uaddr_t random, uaddr_t name)
{
	const struct cred *c = x->cred;
	const struct elf_image *e = &x->program;
	struct exec_layout *l = &x->layout;

	l->phdrs = elf_phdrs_address(e);
	l->nr_phdrs = e->header.phnum;
	l->base = x->interp.file ? x->interp.bias : 0;
	l->entry = e->bias + e->header.entry;
	l->uid = c->uid;
	l->euid = c->euid;
	l->gid = c->gid;
	l->egid = c->egid;
	l->secure = x->secure;
	/*
	 * libc's setting up of the library costs a static program more than it gains. What has no
	 * fixed place may be ld.so itself, started with the name of a program.
	 */
	l->tells_vdso = x->interp.file || e->header.type == ET_DYN;
	l->random = random;
	l->name = name;
}

/* Vectors at the new sp: argc, argv, envp, auxv (System V ABI, process initialization). */
static int write_vectors(struct exec *x, uaddr_t strings)
{
	struct auxv aux;
	uint32_t count = x->args.argc + x->args.envc;
	uint64_t at = x->sp, pos = 0;

	if (put_user_u64(at, x->args.argc))
		return -EFAULT;
	at += 8;
	for (uint32_t i = 0; i <= count; i++) {
		if (i == x->args.argc) {
			if (put_user_u64(at, 0))
				return -EFAULT;
			at += 8;
			x->layout.arg_end = x->layout.env_start = strings + pos;
		}
		if (i == count)
			break;
		if (put_user_u64(at, strings + pos))
			return -EFAULT;
		at += 8;
		pos = exec_args_next(&x->args, pos);
	}
	if (put_user_u64(at, 0))
		return -EFAULT;
	exec_auxv(&x->layout, &aux);
	return copy_to_user(at + 8, &aux, sizeof(aux));
}

/* The new stack, top down: path, random bytes, strings, vectors. */
static int build_stack(struct exec *x)
{
	uint64_t vectors = (x->args.argc + x->args.envc + 3) * 8 + 2 * 8 * 24;
	size_t name_len = strlen(x->path) + 1;
	uaddr_t top = USER_TOP - PAGE_SIZE - random_pages(x, 1 << 11), name, random, strings;
	uint64_t need = x->args.used + vectors + name_len + 64 + STACK_INITIAL;
	int exec = x->program.exec_stack ? PROT_EXEC : 0;
	uint8_t seed[16];
	long at;

	need = ALIGN_UP(need, PAGE_SIZE);
	at = aspace_map(x->as, top - need, need, PROT_READ | PROT_WRITE | exec,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_STACK, NULL,
			NULL, 0);
	if (at < 0)
		return at;
	name = top - 8 - name_len;
	random = (name - sizeof(seed)) & ~15UL;
	strings = random - x->args.used;
	x->sp = (strings - vectors) & ~15UL;
	random_bytes(seed, sizeof(seed));
	if (copy_to_user(name, x->path, name_len) || copy_to_user(random, seed, sizeof(seed)) ||
	    exec_args_write(&x->args, strings))
		return -EFAULT;
	x->layout.start_stack = x->sp;
	x->layout.arg_start = strings;
	x->layout.env_end = strings + x->args.used;
	note_auxv(x, random, name);
	return write_vectors(x, strings);
}

/*
 * Run on as. Others go on seeing own, the old program's, if there is one: the new one shows when
 * its powers do (commit), or who may look into the caller could change a set-id program.
 */
static void use_aspace(struct aspace *as, struct aspace *own)
{
	struct thread *t = current();
	uint64_t irq = spin_lock_irq(&proc_lock); /* /proc reaches it under this lock */

	t->aspace = as;
	t->own_aspace = as == own ? NULL : own;
	aspace_activate(as);
	spin_unlock_irq(&proc_lock, irq);
}

/* Where mmap starts from, top down: below what the stack may grow to (at most 5/6 of the half). */
static uaddr_t mmap_top(struct exec *x)
{
	uint64_t stack = MAX(x->stack_limit, 128 * MiB);

	stack = MIN(stack, (uint64_t)USER_TOP / 6 * 5);

	return ALIGN_DOWN(USER_TOP - stack - 16 * MiB, PAGE_SIZE) - random_pages(x, 1 << 18);
}

/* Build the new space while running on it; on failure the old one is put back. */
static int build_aspace(struct exec *x)
{
	struct aspace *old = current()->aspace;
	int err;

	x->as = aspace_create();
	if (!x->as)
		return -ENOMEM;
	x->as->mmap_top = mmap_top(x);
	x->as->no_thp = old && old->no_thp;
	x->as->mdwe = x->as->mdwe_inherited = old && old->mdwe_inherited;
	use_aspace(x->as, old);
	err = map_images(x);
	if (!err)
		err = build_stack(x);
	if (!err) {
		aspace_set_layout(x->as, &x->layout);
		return 0;
	}
	use_aspace(old, old);
	aspace_put(x->as);
	return err;
}

/* Another process could change the root and the working directory that the program starts with. */
static bool shares_place(void)
{
	struct thread *me = current(), *t;
	struct process *p = me->process;
	uint32_t own = 0, users;
	uint64_t irq, irq2;

	if (!p || fscontext_users(me->fs) == 1)
		return false;
	irq = spin_lock_irq(&proc_lock); /* a thread leaves it under this lock */
	irq2 = spin_lock_irq(&p->siglock);
	list_for_each_entry(t, &p->threads, process_link)
		own += t->fs == me->fs;
	users = fscontext_users(me->fs);
	spin_unlock_irq(&p->siglock, irq2);
	spin_unlock_irq(&proc_lock, irq);
	return users > own;
}

/* What its caller chose, and what a program with more powers than the caller does not take over. */
static void choose_environment(struct exec *x)
{
	uint32_t personality = current()->process->personality;

	if (x->elevated)
		personality &= ~PERSONALITY_CLEAR_ON_SETID;
	x->dice = 0;
	if (randomize_va_space && !(personality & PERSONALITY_NO_RANDOMIZE))
		random_bytes(&x->dice, sizeof(x->dice));
	x->stack_limit = rlimit_get(RLIMIT_STACK);
	if (x->secure)
		x->stack_limit = MIN(x->stack_limit, (uint64_t)STACK_SECURE);
}

/* x->cred: what the program runs with. 0 or -ENOMEM. */
static int new_creds(struct exec *x)
{
	const struct cred *old = current()->cred;
	bool no_new_privs = current()->process->no_new_privs;
	bool limited = no_new_privs || trace_limits_exec() || shares_place();
	struct exec_creds file;
	struct cred *c;

	file_exec_creds(x->file, &file);
	c = cred_copy();
	if (!c)
		return -ENOMEM;
	/* Also if it may gain nothing: who may change to any id can do it this way as well. */
	if (file.set_uid && !no_new_privs)
		c->euid = file.uid;
	if (file.set_gid && !no_new_privs)
		c->egid = file.gid;
	x->secure = cred_exec(c, old, limited, no_new_privs);
	x->elevated = ((file.set_uid || file.set_gid) && !no_new_privs) ||
		      (c->permitted & ~old->permitted);
	x->cred = c;
	choose_environment(x);
	x->unreadable = file_exec_unreadable(x->file) ||
			(x->interp.file && file_exec_unreadable(x->interp.file));
	return 0;
}

/* Who may look at its memory is who ran the old program, and what that had is not for others. */
static bool may_be_seen(const struct exec *x, const struct cred *old)
{
	return !x->unreadable && old->euid == old->uid && old->egid == old->gid &&
	       !cred_hides(x->cred, old);
}

/* Nothing here can fail: the process is the new program. */
static void commit(struct exec *x)
{
	struct thread *t = current();
	struct process *p = t->process;
	struct trapframe *tf = thread_trapframe(t);
	const struct cred *cred = x->cred, *old_cred = t->cred;
	struct file *old_exe;
	const char *base = strrchr(x->path, '/');
	uint64_t irq;

	sighand_reset(p->sighand);
	irq = spin_lock_irq(&proc_lock);
	if (x->secure || cred_hides(cred, old_cred))
		t->death_signal = 0;
	t->cred = cred;
	t->own_aspace = NULL;
	p->dumpable = may_be_seen(x, old_cred);
	p->execs++;
	trace_exec_end_locked(p);
	memset(t->comm, 0, sizeof(t->comm));
	strlcpy(t->comm, base ? base + 1 : x->path, sizeof(t->comm));
	spin_unlock_irq(&proc_lock, irq);
	wake_all(&p->exit_wait);
	keys_exec(t);
	/* Whoever waits for a descriptor to close finds that the exec has happened. */
	fdtable_close_on_exec(t->files);
	posix_timers_drop(p);
	aio_drop(p);
	cred_put(old_cred);
	irq = spin_lock_irq(&p->siglock);
	if (x->secure)
		p->rlimits[RLIMIT_STACK].cur = x->stack_limit;
	old_exe = p->exe;
	p->exe = file_get(x->file);
	spin_unlock_irq(&p->siglock, irq);
	if (old_exe)
		file_put(old_exe);
	if (x->elevated)
		p->personality &= ~PERSONALITY_CLEAR_ON_SETID;
	p->exit_signal = SIGCHLD;
	t->altstack = (struct sigaltstack){.flags = SS_DISABLE};
	t->set_child_tid = 0;
	t->restart.func = NULL;
	dispatch_end();
	t->rseq.area = 0;
	thread_fpu_discard();
	t->fpu = (struct fpu_state){.hart = MAX_HARTS};
	memset(tf, 0, sizeof(*tf));
	tf->pc = x->entry;
	tf->sp = x->sp;
	tf->cause = ~0UL;
	__atomic_or_fetch(&t->work, WORK_FULLFRAME, __ATOMIC_RELAXED);
	vfork_release(t);
}

static void exec_free(struct exec *x)
{
	if (x->file)
		file_put(x->file);
	if (x->interp.file)
		file_put(x->interp.file);
	exec_args_free(&x->args);
	kfree(x);
}

static struct exec *exec_alloc(void)
{
	uint64_t limit = MIN(rlimit_get(RLIMIT_STACK) / 4, (uint64_t)(6 * MiB));
	struct exec *x = kmalloc(sizeof(*x));

	if (!x)
		return NULL;
	/* Large parts of it are filled before they are looked at. */
	exec_args_init(&x->args, MAX(limit, 32 * PAGE_SIZE));
	x->program.file = x->interp.file = x->file = NULL;
	x->program.interp[0] = x->interp.interp[0] = 0;
	memset(&x->layout, 0, offsetof(struct exec_layout, arg_start));
	x->cred = NULL;
	return x;
}

/* Mutexes that the old program holds, and who waits for its end (set_tid_address(2)), are told. */
static void leave_program(struct thread *t, struct aspace *old, struct aspace *new)
{
	if (!t->robust_list && !t->clear_child_tid && list_empty(&t->pi.held))
		return;
	use_aspace(old, old);
	thread_leave_user_space(t);
	futex_pi_return(t);
	use_aspace(new, old);
}

/* x->file and x->args are set. Consumes x. */
static int exec_run(struct exec *x)
{
	struct thread *t = current();
	struct aspace *old = t->aspace;
	pid_t was = t->tid;
	bool too_late = false;
	int err;

	trace_exec_begin();
	if (!x->args.argc) {
		/* Linux gives a program without arguments an empty argv[0]. */
		const char *const empty[] = {""};

		err = exec_args_replace_first(&x->args, empty, 1);
		if (err)
			goto out;
	}
	err = load_headers(x);
	if (!err)
		err = new_creds(x);
	if (!err)
		err = build_aspace(x);
	if (err)
		goto out;
	err = process_single_thread();
	if (err)
		goto out_aspace;
	leave_program(t, old, x->as);
	/* From other processes; of threads none is left. Too late to go back (execve(2), NOTES). */
	if (sighand_unshare(t->process) || fdtable_unshare(&t->files) ||
	    (x->elevated && fscontext_unshare(&t->fs))) {
		too_late = true;
		goto out_aspace;
	}
	commit(x);
	exec_free(x);
	if (old)
		aspace_put(old);
	trace_exec(was);
	return 0;
out_aspace:
	/* The exit of a thread writes to its old space: ours must be the old one then. */
	use_aspace(old, old);
	aspace_put(x->as);
out:
	trace_exec_end();
	cred_put(x->cred);
	exec_free(x);
	if (too_late)
		process_exit_group(SIGSEGV);
	return err;
}

int exec_kernel(const char *path, const char *const argv[], const char *const envp[])
{
	struct exec *x;
	int err;

	/* What the kernel starts comes before all that programs start. */
	if (cmdline_has("norandmaps"))
		randomize_va_space = 0;
	x = exec_alloc();
	if (!x)
		return -ENOMEM;
	strlcpy(x->path, path, sizeof(x->path));
	x->file = file_open_exec(AT_FDCWD, path, 0);
	if (is_err(x->file)) {
		err = ptr_err(x->file);
		x->file = NULL;
		exec_free(x);
		return err;
	}
	err = exec_args_add_array(&x->args, argv, &x->args.argc);
	if (!err)
		err = exec_args_add_array(&x->args, envp, &x->args.envc);
	if (err) {
		exec_free(x);
		return err;
	}
	return exec_run(x);
}

/* AT_EXECFN of a program opened by descriptor: /dev/fd/N or /dev/fd/N/path (execveat(2)). */
static void name_by_fd(struct exec *x, int dirfd)
{
	char rest[HEAD_SIZE];

	if (dirfd == AT_FDCWD || x->path[0] == '/')
		return;
	strlcpy(rest, x->path, sizeof(rest));
	snprintf(x->path, sizeof(x->path), rest[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, rest);
}

static long do_exec(int dirfd, uaddr_t upath, uaddr_t argv, uaddr_t envp, int flags)
{
	struct thread *me = current();
	struct exec *x;
	ssize64_t n;
	int err;

	me->over_nproc = me->over_nproc && threads_beyond_limit(me->cred->uid);
	if (me->over_nproc)
		return -EAGAIN;
	reclaim_ahead();
	x = exec_alloc();
	if (!x)
		return -ENOMEM;
	n = strncpy_from_user(x->path, upath, sizeof(x->path));
	err = n < 0 ? n : 0;
	if (!err && !n && !(flags & AT_EMPTY_PATH))
		err = -ENOENT;
	if (!err) {
		x->file = file_open_exec(dirfd, x->path, flags);
		if (is_err(x->file)) {
			err = ptr_err(x->file);
			x->file = NULL;
		}
	}
	if (!err)
		err = exec_args_add_user_array(&x->args, argv, &x->args.argc);
	if (!err)
		err = exec_args_add_user_array(&x->args, envp, &x->args.envc);
	if (err) {
		exec_free(x);
		return err;
	}
	name_by_fd(x, dirfd);
	return exec_run(x);
}

long sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp);
long sys_execveat(int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags);

long sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp)
{
	return do_exec(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return do_exec(dirfd, path, argv, envp, flags);
}
