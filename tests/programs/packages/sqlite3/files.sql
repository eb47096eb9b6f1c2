.open disk.db
pragma journal_mode=wal;
pragma page_size; pragma cache_size=5;
create table big(id integer primary key, k text, v blob);
with recursive n(i) as (select 1 union all select i+1 from n where i<5000) insert into big select i, hex(i*7919%10007), zeroblob(i%200) from n;
create index bigk on big(k, length(v));
select count(*), count(distinct k), sum(length(v)) from big;
pragma wal_checkpoint(truncate);
select k, id from big order by k desc, id limit 5;
attach 'other.db' as o;
create table o.copy as select * from big where id%10=0;
select count(*) from o.copy natural join big;
detach o;
vacuum; vacuum into 'vac.db';
pragma integrity_check;
.backup back.db
.save saved.db
.clone cloned.db
.once out.csv
.mode csv
select id, k, length(v) from big where id<=20;
.mode list
.import --csv --skip 0 out.csv imported
.import out.csv imported
select count(*), max(cast(k as text)) from imported;
.schema imported
.output dump.sql
.dump imported
.output stdout
.open :memory:
.read dump.sql
select count(*) from imported;
.restore back.db
select count(*) from big;
.open --deserialize back.db
select count(*) from big;
.open disk.db
begin immediate; delete from big where id>10; select count(*) from big; rollback;
select count(*) from big;
insert into big(id) values(1);
create table uq(a unique, b not null, c check(c>0), d references uq(a)); pragma foreign_keys=on;
insert into uq values(1,null,1,null); insert into uq values(1,1,-1,null); insert into uq values(2,1,1,7);
insert into uq values(1,1,1,1) on conflict do nothing returning a,b;
insert or replace into uq values(1,2,3,1); select * from uq;
update uq set b=b+1 where a=1 returning *;
select fsdir.name from fsdir('.') where name like '%.db' order by 1;
select writefile('w.txt','hello'), readfile('w.txt'), length(readfile('w.txt'));
select lsmode(33188), edit is null from (select 1 edit);
.archive --create --file ar.zip w.txt out.csv
.archive --list --file ar.zip
select name, sz, mode from zipfile('ar.zip') order by name;
.archive --create --file ar.sqlar w.txt
.archive --list --file ar.sqlar
.archive --extract --file ar.sqlar --directory extr
.open disk.db
.dbinfo
.log stdout
.trace stdout --profile
select 1;
.trace off
.timeout 100
.progress 100 --limit 3
select count(*) from big a, big b where a.k<b.k;
.progress 0
.auth on
select count(*) from uq;
.auth off
.session open main s1
.session s1 attach *
.bail off
.cd extr
.shell echo from a shell
.system echo again
.testctrl prng_save
.testcase x
select 1;
.check 1
.scanstats on
.unmodule generate_series
select * from generate_series(1,2);
.vfsinfo
.vfsname
.load nosuch
.binary on
.explain on
.quit
