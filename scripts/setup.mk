# Finds missing tools before anything is built; see scripts/setup.  A stamp makes it instant.

.PHONY: setup setup-test setup-full
setup: $(O)/.setup-run
setup-test: $(O)/.setup-test
setup-full: $(O)/.setup-full

$(O)/.setup-%: scripts/setup
	@mkdir -p $(@D)
	@scripts/setup $* && touch $@
