/* procmap: areas of memory by their address, PROCMAP_QUERY on /proc/PID/maps. */
#include "vmlib.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#define QUERY	_IOWR('f', 17, struct query)

enum { READABLE = 1, WRITABLE = 2, EXECUTABLE = 4, SHARED = 8, OR_NEXT = 0x10, OF_FILE = 0x20 };

struct query {
	uint64_t size, flags, addr;
	uint64_t start, end, is, page_size, offset, inode;
	uint32_t major, minor, name_size, id_size;
	uint64_t name, id;
};

static int maps_of(const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	return (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
}

static struct query query_at(const void *addr, uint64_t flags)
{
	return (struct query){.size = sizeof(struct query), .flags = flags,
			      .addr = (uintptr_t)addr};
}

/* Areas of their own: r, none, rw, none, a hole, r shared, and none. */
static char *areas_make(void)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	CHECK_OK(mprotect(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	CHECK_OK(munmap(p + 4 * PAGE, PAGE));
	CHECK(mmap(p + 5 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	      MAP_FAILED);
	return p;
}

static void found(int fd, struct query q, const char *start, size_t pages, uint64_t is)
{
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_EQ(q.start, (uintptr_t)start);
	CHECK_EQ(q.end, (uintptr_t)start + pages * PAGE);
	CHECK_EQ(q.is, is);
	CHECK_EQ(q.page_size, PAGE);
}

TEST(procmap, areas)
{
	int fd = maps_of("self");
	char *p = areas_make();
	struct query q;

	found(fd, query_at(p, 0), p, 1, READABLE);
	found(fd, query_at(p + 100, READABLE), p, 1, READABLE);
	found(fd, query_at(p + PAGE, 0), p + PAGE, 1, 0);
	found(fd, query_at(p + 2 * PAGE, 0), p + 2 * PAGE, 1, READABLE | WRITABLE);
	found(fd, query_at(p + 5 * PAGE, SHARED), p + 5 * PAGE, 1, READABLE | SHARED);
	/* That or the next one which is as it is wanted. */
	found(fd, query_at(p, OR_NEXT), p, 1, READABLE);
	found(fd, query_at(p + 4 * PAGE, OR_NEXT), p + 5 * PAGE, 1, READABLE | SHARED);
	found(fd, query_at(p, OR_NEXT | WRITABLE), p + 2 * PAGE, 1, READABLE | WRITABLE);
	found(fd, query_at(p, OR_NEXT | SHARED), p + 5 * PAGE, 1, READABLE | SHARED);
	q = query_at(p + 4 * PAGE, 0);
	CHECK_ERR(ioctl(fd, QUERY, &q), ENOENT);
	q = query_at(p, WRITABLE);
	CHECK_ERR(ioctl(fd, QUERY, &q), ENOENT);
	q = query_at(p + 2 * PAGE, EXECUTABLE);
	CHECK_ERR(ioctl(fd, QUERY, &q), ENOENT);
	q = query_at((void *)-1L, OR_NEXT);
	CHECK_ERR(ioctl(fd, QUERY, &q), ENOENT);
	q = query_at(p, OF_FILE);
	CHECK_ERR(ioctl(fd, QUERY, &q), ENOENT);
	q = query_at(p, 0);
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_EQ(q.offset, 0);
	CHECK_EQ(q.inode, 0);
	CHECK_EQ(q.major, 0);
	CHECK_EQ(q.minor, 0);
}

/* All of them, one behind the other, are what the text says. */
TEST(procmap, agrees_with_the_text)
{
	int fd = maps_of("self");
	FILE *text = fopen("/proc/self/maps", "r");
	char line[512], name[512], want[512], r, w, x, s;
	unsigned long start, end, offset, ino;
	unsigned int major, minor;
	uint64_t at = 0;
	int n = 0;

	CHECK(text);
	areas_make();
	while (fgets(line, sizeof(line), text)) {
		struct query q = query_at((void *)at, OR_NEXT);

		want[0] = '\0';
		CHECK_GE(sscanf(line, "%lx-%lx %c%c%c%c %lx %x:%x %lu %511[^\n]", &start, &end,
				&r, &w, &x, &s, &offset, &major, &minor, &ino, want), 10);
		q.name_size = sizeof(name);
		q.name = (uintptr_t)name;
		name[0] = '\0';
		CHECK_OK(ioctl(fd, QUERY, &q));
		CHECK_EQ(q.start, start);
		/* The text is kept in this memory: what is last of it may have grown. */
		if (strcmp(want, "[heap]"))
			CHECK_EQ(q.end, end);
		CHECK_EQ(q.is, (r == 'r') | (w == 'w') << 1 | (x == 'x') << 2 | (s == 's') << 3);
		CHECK_EQ(q.inode, ino);
		if (ino)
			CHECK_EQ(q.offset, offset);
		CHECK_EQ(q.major, major);
		CHECK_EQ(q.minor, minor);
		CHECK_EQ(q.name_size, want[0] ? strlen(want) + 1 : 0);
		CHECK_STR(name, want);
		at = q.end;
		n++;
	}
	CHECK_GE(n, 8);
	fclose(text);
}

TEST(procmap, file)
{
	int fd = maps_of("self"), f;
	char name[PATH_MAX], want[PATH_MAX];
	struct query q;
	struct stat st;
	char *p, *plain = areas_make();

	file_pattern("f", 3 * PAGE, 1);
	f = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_OK(fstat(f, &st));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, f, PAGE);
	CHECK(p != MAP_FAILED);
	q = query_at(p + PAGE, OF_FILE | SHARED | WRITABLE);
	q.name = (uintptr_t)name;
	q.name_size = sizeof(name);
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_EQ(q.start, (uintptr_t)p);
	CHECK_EQ(q.offset, PAGE);
	CHECK_EQ(q.inode, st.st_ino);
	CHECK_EQ(q.major, major(st.st_dev));
	CHECK_EQ(q.minor, minor(st.st_dev));
	CHECK(getcwd(want, sizeof(want) - 8));
	strcat(want, "/f");
	CHECK_STR(name, want);
	CHECK_EQ(q.name_size, strlen(want) + 1);
	/* Just enough; one byte less; none. */
	q.name_size = (uint32_t)strlen(want) + 1;
	CHECK_OK(ioctl(fd, QUERY, &q));
	q.name_size--;
	CHECK_ERR(ioctl(fd, QUERY, &q), ENAMETOOLONG);
	q.name_size = 1;
	CHECK_ERR(ioctl(fd, QUERY, &q), ENAMETOOLONG);
	/* It is no program: it has no build id. */
	q = query_at(p, 0);
	q.id = (uintptr_t)name;
	q.id_size = sizeof(name);
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_EQ(q.id_size, 0);
	q = query_at(plain, 0);
	q.id = q.name = (uintptr_t)name;
	q.id_size = q.name_size = 1;
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_EQ(q.id_size, 0);
	CHECK_EQ(q.name_size, 0);
	CHECK_OK(unlink("f"));
	strcat(want, " (deleted)");
	q = query_at(p, 0);
	q.name = (uintptr_t)name;
	q.name_size = sizeof(name);
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_STR(name, want);
}

/* An ELF file with notes of these sizes, the last of which is its build id. */
static void *program_make(const char *name, const void *id, uint32_t size)
{
	static struct {
		Elf64_Ehdr h;
		Elf64_Phdr p[2];
		struct {
			Elf64_Nhdr n;
			char name[8], desc[8];
		} other;
		struct {
			Elf64_Nhdr n;
			char name[4], desc[32];
		} id;
	} f;
	void *p;
	int fd;

	f.h = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			   .e_type = ET_DYN, .e_machine = EM_RISCV, .e_version = EV_CURRENT,
			   .e_phoff = sizeof(f.h), .e_ehsize = sizeof(f.h),
			   .e_phentsize = sizeof(f.p[0]), .e_phnum = 2};
	f.p[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = sizeof(f), .p_memsz = sizeof(f)};
	f.p[1] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = offsetof(__typeof__(f), other),
			      .p_filesz = sizeof(f.other) + sizeof(f.id)};
	f.other.n = (Elf64_Nhdr){5, 7, NT_GNU_BUILD_ID};
	memcpy(f.other.name, "Else", 5);
	f.id.n = (Elf64_Nhdr){4, size, NT_GNU_BUILD_ID};
	memcpy(f.id.name, "GNU", 4);
	memset(f.id.desc, 0, sizeof(f.id.desc));
	memcpy(f.id.desc, id, size);
	file_make(name, &f, sizeof(f));
	fd = (int)CHECK_OK(open(name, O_RDONLY));
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_OK(close(fd));
	return p;
}

TEST(procmap, build_id)
{
	static const char want[] = "0123456789abcdefghijklmn";
	int fd = maps_of("self");
	char id[64];
	struct query q;

	for (uint32_t size = 1; size <= 24; size++) {
		char name[16];

		snprintf(name, sizeof(name), "p%u", size);
		q = query_at(program_make(name, want, size), 0);
		q.id = (uintptr_t)id;
		q.id_size = sizeof(id);
		memset(id, 'x', sizeof(id));
		CHECK_OK(ioctl(fd, QUERY, &q));
		CHECK_EQ(q.id_size, size <= 20 ? size : 0);
		CHECK_EQ(memcmp(id, want, q.id_size), 0);
		CHECK_EQ(id[q.id_size], 'x');
		if (size == 1 || size > 20)
			continue;
		q.id_size = size - 1;
		CHECK_ERR(ioctl(fd, QUERY, &q), ENAMETOOLONG);
	}
}

TEST(procmap, errors)
{
	int fd = maps_of("self"), other;
	char *p = areas_make();
	struct {
		struct query q;
		char more[64];
	} big = {.q = query_at(p, 0)};
	struct query q = query_at(p, 0);

	CHECK_ERR(ioctl(fd, QUERY, (void *)8), EFAULT);
	CHECK_ERR(ioctl(fd, QUERY + 1, &q), ENOTTY);
	CHECK_ERR(ioctl(fd, QUERY - 0x10000, &q), ENOTTY);
	q.size = 23;
	CHECK_ERR(ioctl(fd, QUERY, &q), EINVAL);
	q.size = PAGE + 1;
	CHECK_ERR(ioctl(fd, QUERY, &q), E2BIG);
	/* The smallest there is: no more is written. */
	q = query_at(p, 0);
	q.size = 24;
	q.start = 5;
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_EQ(q.start, 5);
	q.size = 32;
	CHECK_OK(ioctl(fd, QUERY, &q));
	CHECK_EQ(q.start, (uintptr_t)p);
	CHECK_EQ(q.end, 0);
	/* Of later ones only what is zero. */
	big.q.size = sizeof(big);
	CHECK_OK(ioctl(fd, QUERY, &big));
	CHECK_EQ(big.q.start, (uintptr_t)p);
	big.more[63] = 1;
	CHECK_ERR(ioctl(fd, QUERY, &big), E2BIG);
	q = query_at(p, 0x40);
	CHECK_ERR(ioctl(fd, QUERY, &q), EINVAL);
	q = query_at(p, 0);
	q.name_size = 1;
	CHECK_ERR(ioctl(fd, QUERY, &q), EINVAL);
	q = query_at(p, 0);
	q.name = (uintptr_t)&big;
	CHECK_ERR(ioctl(fd, QUERY, &q), EINVAL);
	q = query_at(p, 0);
	q.id_size = 1;
	CHECK_ERR(ioctl(fd, QUERY, &q), EINVAL);
	q = query_at(p, 0);
	q.id = (uintptr_t)&big;
	CHECK_ERR(ioctl(fd, QUERY, &q), EINVAL);
	q = query_at((void *)&q, 0); /* the stack has a name */
	q.name_size = 100;
	q.name = 8;
	CHECK_ERR(ioctl(fd, QUERY, &q), EFAULT);
	q = query_at(p, 0);
	other = (int)CHECK_OK(open("/proc/self/smaps", O_RDONLY));
	CHECK_ERR(ioctl(other, QUERY, &q), ENOTTY);
	CHECK_OK(close(other));
	other = (int)CHECK_OK(open("/proc/self/status", O_RDONLY));
	CHECK_ERR(ioctl(other, QUERY, &q), ENOTTY);
}

/* It is about the program that ran when the file was opened. */
TEST(procmap, others)
{
	char *p = areas_make(), pid_text[32];
	struct query q = query_at(p, 0);
	struct gate go;
	int fd, end[2]; /* closed by exec */
	pid_t pid;

	gate_make(&go);
	CHECK_OK(pipe2(end, O_CLOEXEC));
	pid = child();
	if (!pid) {
		gate_pass(&go);
		exec_helper("pause", "");
	}
	CHECK_OK(close(end[1]));
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	fd = maps_of(pid_text);
	CHECK_OK(munmap(p, PAGE));
	found(fd, q, p, 1, READABLE);
	snprintf(pid_text, sizeof(pid_text), "%d/task/%d", pid, pid);
	found(maps_of(pid_text), q, p, 1, READABLE);
	gate_open(&go);
	CHECK_EQ(read(end[0], pid_text, 1), 0);
	CHECK_ERR(ioctl(fd, QUERY, &q), ESRCH);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_ERR(ioctl(fd, QUERY, &q), ESRCH);
}
