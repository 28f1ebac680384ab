# Python's own tests of what it has from the kernel: the result of each.
for module in mmap threading; do
	echo "== $module"
	python3 -m unittest -v "test.test_$module" > log 2>&1
	echo $?
	sed -n -e 's/^\(test[^ ]*\) .*\.\.\. \(.*\)$/\1 \2/p' \
		-e '/^OK/p; /^FAILED/p; /^ERROR/p; /^FAIL/p' log | sort
done
