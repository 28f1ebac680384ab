# A root of Debian's riscv64 packages, unmodified: `make debian` boots it.

SUITE       ?= trixie
PACKAGES    ?= bash bash-static binutils busybox-static coreutils dash diffutils e2fsprogs \
	       findutils gawk gcc gdb gdbserver git grep gzip less libc6-dev \
	       ^libpython3.*-testsuite lua5.4 make mount musl-dev musl-tools ncurses-base perl \
	       procps python3 sed sqlite3 strace tar util-linux vim-tiny xz-utils
DEBIAN_SIZE ?= 2G
DEBIAN      := $(O)/debian

.PHONY: debian debian.img debian-programs
debian.img: $(DEBIAN)/debian.img

$(DEBIAN)/.words: FORCE
	$(call stamp,$(SUITE) $(PACKAGES) $(DEBIAN_SIZE))

$(DEBIAN)/debian.img: scripts/debian $(DEBIAN)/.words | setup-full user
	@scripts/debian $(DEBIAN) $(SUITE) $(DEBIAN_SIZE) $(XINIT) $(UB)/bin/toolbox $(PACKAGES)

ifeq ($(origin MEM),file)
debian: MEM = 1G
endif
debian: kernel debian.img
	@scripts/qemu $(qemu_args) --disk $(DEBIAN)/debian.img

# The programs of tests/debian here and on the Linux judge: both must print the same.
debian-programs: kernel debian.img linux
	@scripts/debian-tests --kernel $(KB)/Image --image $(DEBIAN)/debian.img \
		--linux $(LINUX_DIR) --results $(RESULTS)/debian-programs.txt $(TESTS)
