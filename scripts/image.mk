# The root image: rootfs/ and the user programs, made into ext2 by mke2fs -d.

ROOTIMG   := $(O)/root.img
ROOTFILES := $(shell find rootfs -type f -o -type l 2>/dev/null)

.PHONY: root.img
root.img: $(ROOTIMG)

$(O)/.rootfiles: FORCE
	$(call stamp,$(ROOTFILES) $(TOOL_NAMES) $(UBINS) $(XPROGS) $(XINIT))

$(ROOTIMG): scripts/image $(ROOTFILES) $(UBINS) $(XPROGS) $(XINIT) $(O)/.rootfiles | $(O)/.setup-run
	$(call say,EXT2,$@)
	$(Q)scripts/image make --output $@ --skeleton rootfs --checkout --staged $(O)/root \
		$(foreach p,$(UBINS),--program /bin=$(p)) \
		$(foreach n,$(TOOL_NAMES),--link '/bin/$(n)=/bin/toolbox') \
		$(foreach p,$(XINIT),--program /sbin=$(p)) \
		$(foreach p,$(XPROGS),--program /xv6/bin=$(p))
