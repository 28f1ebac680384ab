# perl, lua, make.
perl -e 'use strict; my %h = map { $_ => length } qw(a bb ccc);
	print join(",", map { "$_$h{$_}" } sort keys %h), "\n"; print "ok\n" if "abc" =~ /b(?=c)/;
	printf "%s\n", scalar reverse "olleh";'
perl -e 'my $p = fork; if (!$p) { exit 3 } waitpid $p, 0; print $? >> 8, "\n";
	open my $f, ">", "pf"; print $f "x" x 10; close $f; print -s "pf", "\n";
	local $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select undef, undef, undef, 5;'
perl -MPOSIX -e 'print POSIX::floor(3.7), " ", strftime("%Y", gmtime 0), "\n";
	print sprintf("%b", 10), "\n"; pipe my $r, my $w; syswrite $w, "hi"; sysread $r, my $b, 9;
	print "$b\n"; print `echo sub`;'
lua5.4 -e 'local t = {} for i = 1, 10 do t[#t + 1] = i * i end
	print(table.concat(t, " "))
	print(string.format("%q", "a\nb"), 7 // 2, 2^53, math.maxinteger)
	local c = coroutine.wrap(function() coroutine.yield(1) end)
	print(c())
	for l in io.popen("echo popen"):lines() do print(l) end
	print(pcall(error, "x"))'
cat > Makefile <<'END'
all: b
	@echo all $(words a b)
b: a
	@cp a b; echo b
a:
	@echo 1 > a; echo a
END
make; make; make -j4 -B; make nothing; echo $?
