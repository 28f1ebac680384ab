# tar with each compressor, cpio-like trees, sparse files, links, modes and times.
set -v
mkdir -p t/sub; seq 5000 > t/n; ln t/n t/hard; ln -s n t/soft
head -c 100000 /dev/zero > t/zeros; chmod 600 t/zeros
touch -d @1000000000 t/n t/zeros t; truncate -s 5M t/sparse
for c in gzip xz; do
	tar --sort=name -cf a.tar.$c --$c t; mkdir x; tar -xf a.tar.$c -C x
	diff -r t x/t && echo same
stat -c '%a %Y %h %n' x/t/n x/t/zeros; rm -r x
done
tar -tf a.tar.xz; tar -Scf s.tar t/sparse; stat -c %s s.tar; tar --delete -f s.tar t/sparse
tar -rf s.tar t/n; tar -tf s.tar
gzip -9 < t/n | gzip -dc | cmp - t/n; gzip -k t/n; gzip -t t/n.gz; gzip -l t/n.gz
zcat t/n.gz | md5sum; xz -k t/zeros; xz -t t/zeros.xz; xzcat t/zeros.xz | wc -c
xz -T2 -c t/n | xz -dc | md5sum; echo damaged | gzip -dc; echo $?
