# What takes hours: on two cores about six.  Each suite prints its counts as in `make test`.

.PHONY: soak self-build suites-kernel suites-libc usertests-random
soak: setup-full
	@+FUZZ_SECONDS=$${FUZZ_SECONDS:-1800} CRASHES=$${CRASHES:-50000} \
		scripts/suites --results $(RESULTS) host-fuzz crash-tests usertests-random \
		suites-kernel suites-libc self-build

# Long random runs, another one each time; the seed is printed, and SEED= repeats it.
SEED  := $(or $(SEED),$(shell date +%s))
COUNT ?= 4000
usertests-random: parts
	@echo "SEED=$(SEED) repeats this run"
	@scripts/usertests --results $(RESULTS)/usertests-random.txt --timeout 7200 \
		--image $(ROOTIMG) $(foreach n,1 2 4 8,--machine $(O)/release/Image,$(n),256M,) \
		--machine $(O)/debug/Image,4,256M, random SEED=$(SEED) COUNT=$(COUNT)

# The kernel and the programs, built and booted by themselves.
self-build: kernel root.img debian.img
	@scripts/self-build --kernel $(KB)/Image --image $(DEBIAN)/debian.img --root $(ROOTIMG) \
		--out $(O)/self --results $(RESULTS)/self-build.txt

# Linux's own kernel selftests here and on the judge; TESTS='folder folder/program ...'.
suites-kernel: kernel root.img linux
	@scripts/kselftest --dir $(O)/kselftest --kernel $(KB)/Image --image $(ROOTIMG) \
		--linux $(LINUX_DIR) --suite $(LINUX_SUITE) \
		--results $(RESULTS)/suites-kernel.txt $(TESTS)

# glibc's own tests here and on the judge; TESTS='folder folder/test ...', tests may be patterns.
suites-libc: kernel debian.img linux
	@scripts/libc-suite --dir $(O)/libc --kernel $(KB)/Image --image $(DEBIAN)/debian.img \
		--linux $(LINUX_DIR) --suite $(LINUX_SUITE) \
		--results $(RESULTS)/suites-libc.txt $(TESTS)
