# A data base in WAL mode, with its shared index mapped, and two connections.
sqlite3 db 'pragma journal_mode=wal; create table t(a integer primary key, b text);
	create index i on t(b);'
sqlite3 db "begin;
	with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000)
	insert into t select x, hex(x * 7919 % 10007) from c;
	commit; select count(*), sum(a), min(b), max(b) from t;"
sqlite3 db "select count(*) from t where b like '31%';
	update t set b = b || 'x' where a % 10 = 0; delete from t where a % 3 = 0;
	select count(*), total(length(b)) from t;"
for i in 1 2 3 4; do
	sqlite3 -cmd '.timeout 60000' db "insert into t(b) select 'w$i-' || a from t limit 500;" &
done
wait
sqlite3 db "select count(*) from t where b like 'w%'; pragma integrity_check;
	pragma wal_checkpoint(truncate); vacuum; pragma integrity_check;"
sqlite3 db 'pragma mmap_size=10000000; select sum(length(b)) from t;'
sqlite3 db 'select b from t order by b' | md5sum
