# Python's own tests of what it has from the kernel: the result of each. How long things took, and
# what needs two processors, is not compared.
for module in mmap os threading; do
	echo "== $module"
	python3 -m unittest -v "test.test_$module" > log 2>&1
	echo $?
	sed -n -e '/cpu_count_affinity/d; s/, skipped=[0-9]*//; s/ Executing <Task .*/ ... ok/' \
		-e 's/^\(test[^ ]*\) .*\.\.\. \(.*\)$/\1 \2/p' \
		-e '/^OK/p; /^FAILED/p; /^ERROR/p; /^FAIL/p' log | sort
done
