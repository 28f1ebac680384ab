# Boards: the image of a card, and writing it.  boards/NAME/board.mk says what a board's firmware
# wants to find; nothing else here knows one board from another.

BOARDS := $(notdir $(patsubst %/board.mk,%,$(wildcard boards/*/board.mk)))
BOARD  ?=
# Firmware for boards that can have it on the card.
SPL    ?=
UBOOT  ?=
DEV    ?=

SDCARD := $(O)/boards/$(BOARD)/sdcard.img

.PHONY: image flash test-boards board-known
ifneq ($(filter image flash,$(MAKECMDGOALS)),)
ifneq ($(filter $(BOARD),$(BOARDS)),)
include boards/$(BOARD)/board.mk
endif
endif

board-known:
	$(if $(filter $(BOARD),$(BOARDS)),@:,@echo 'BOARD= one of: $(sort $(BOARDS))' >&2; exit 2)
	$(if $(SPL)$(UBOOT),$(if $(and $(SPL),$(UBOOT),$(BOARD_SPL)),,@echo \
		'SPL= and UBOOT= go together, for boards that start from the card' >&2; exit 2))

# $(call raw,name,place,file): an argument of scripts/sdcard, if there is a file.
comma := ,
raw = $(if $(3),--raw=$(call quoted,$(1)=$(2)$(comma)$(3)))

image: board-known kernel root.img setup-test
	@scripts/sdcard --kernel $(KB)/Image --root $(ROOTIMG) --output $(SDCARD) \
		--swap $(SWAP) --append=$(call quoted,$(strip $(BOARD_APPEND) $(APPEND))) \
		$(call raw,spl,$(BOARD_SPL),$(SPL)) $(call raw,uboot,$(BOARD_UBOOT),$(UBOOT))

flash: board-known
	$(if $(DEV),@:,@echo 'DEV= the card, as in DEV=/dev/sdX' >&2; exit 2)
	@[ -e $(SDCARD) ] || { echo 'no $(SDCARD): make image BOARD=$(BOARD) first' >&2; exit 2; }
	@scripts/flash --image $(SDCARD) --device $(call quoted,$(DEV))

# All machines that QEMU has, and the one that we add to it, each as far as its firmware goes; part
# of test-full.
test-boards: parts
	@tests/system/runner.py --level all --results $(RESULTS)/test-boards.txt boards
