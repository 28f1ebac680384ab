# The one door to xv39.  `make help` lists what it can do; the recipes live in scripts/*.mk.

# Where everything that is built goes.  May lie outside the tree.
O ?= build
# The machine that is booted.
SMP ?= 4
MEM ?= 128M
# The swap disk of `make qemu`, the swap partition of a card; 0: none.
SWAP ?= 256M
# 1: a kernel with assertions, lock checks and the in-kernel self tests.
DEBUG ?= 0
# Words added to the kernel command line; a command for `make run`.
APPEND ?=
CMD ?=
# A root image to use in place; a folder whose files are added to the root image.
ROOT ?=
EXTRA ?=
# A folder of programs in xv6's style, for `make xv6`.
SRC ?=
# Appended to QEMU's arguments.
QEMUFLAGS ?=
# 1: warnings are errors (CI).  V=1: show the commands.
WERROR ?= 0
V ?= 0
# Seconds until `make run` gives up on a machine that says nothing more.
TIMEOUT ?= 300

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

Q := $(if $(filter 1,$(V)),,@)
# One line for what is being made; nothing with V=1 (the commands are shown) or make -s.
silent := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(or $(filter 1,$(V)),$(silent)),@:,$(say_it))
say_it = @printf '  %-8s %s\n' $(1) '$(patsubst $(O)/%,%,$(2))'

# For a make that builds many files: all processors, unless somebody said how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: all help FORCE
all: kernel root.img compile_commands.json

include scripts/setup.mk
include scripts/kernel.mk
include scripts/user.mk
include scripts/xv6.mk
include scripts/image.mk
include scripts/qemu.mk
include scripts/host.mk
include scripts/usertest.mk
include scripts/test.mk
include scripts/boards.mk
include scripts/linux.mk
include scripts/debian.mk
include scripts/bench.mk
include scripts/soak.mk

help:
	@cat scripts/help.txt

# Writes the text of $(1) to the target unless it stands there already, so that a changed
# compiler flag rebuilds what it affects and an unchanged one rebuilds nothing.
define stamp
@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || \
	printf '%s\n' '$(subst ','\'',$(1))' > $@
endef

.PHONY: clean clean-disk
clean:
	rm -rf $(O)

clean-disk:
	rm -f $(O)/disk.img
