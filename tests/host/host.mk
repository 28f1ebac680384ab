# What the host tests are made of; scripts/host.mk builds and runs them.

HOST_TESTS += test_string test_bits test_trees
test_string_SRC := tests/host/test_string.c
test_bits_SRC   := tests/host/test_bits.c lib/bits.c lib/bitmap.c lib/crc.c lib/sort.c
test_trees_SRC  := tests/host/test_trees.c lib/bits.c lib/rbtree.c lib/radix.c
