# What `make bench-debian` runs in Debian's root (../debian/enter), with nothing written back
# meanwhile.
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
exec /compat/bench -w 10 -r . debian/fork_exec_wait_true debian/gcc_hello
