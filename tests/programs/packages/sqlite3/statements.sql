.echo on
create table t(a integer primary key, b text, c real);
insert into t(b,c) values('x',1.5),('y',2.5),('z',null),('it''s',-1e10);
create table u(a references t, d);
insert into u select a, a*a from t;
select t.b, sum(u.d) over (order by t.a), count(*) over (), rank() over (order by c), ntile(2) over (order by a), lag(b,1,'none') over (order by a), nth_value(b,2) over (order by a), first_value(b) over (order by c desc) from t join u using(a) order by t.a;
select b, avg(c), total(c), group_concat(b,';'), min(c), max(c) from t group by c is null having count(*)>0;
with recursive n(i) as (select 1 union all select i+1 from n where i<10) select group_concat(i) from n;
create view v as select a,b from t where c>0;
create trigger tr after insert on t begin insert into u values(new.a, 'trigger ' || new.b); end;
insert into t(b) values('fired');
select * from u where a=5;
begin; delete from t; select count(*) from t; rollback; select count(*) from t;
savepoint s; update t set b='changed'; release s;
select * from t;
.mode column
.headers on
select * from t;
.mode json
select * from t;
.mode csv
select * from t;
.mode box
select * from t;
.mode markdown
select * from t;
.mode html
select * from t;
.mode line
select * from t limit 1;
.mode insert new
select * from t;
.mode quote
select * from t, u limit 2;
.mode tcl
select * from t limit 1;
.mode list
select json_object('a',1,'b',json_array(1,2,3)), json_extract('{"x":[1,{"y":2}]}','$.x[1].y');
select key,value,type,path from json_each('{"a":1,"b":[2,3]}');
select json_group_array(b), json_group_object(a,b) from t;
create virtual table f using fts4(body);
insert into f values('the quick brown fox'),('jumps over the lazy dog'),('running foxes run');
select snippet(f), offsets(f) from f where f match 'fox OR dog';
create virtual table f5 using fts5(title, body, tokenize='porter');
insert into f5 values('one','the quick brown fox'),('two','jumped over lazy dogs');
select highlight(f5,1,'<','>'), bm25(f5) from f5 where f5 match 'jump OR quick' order by rank;
create virtual table r using rtree(id,x0,x1,y0,y1);
insert into r values(1,0,1,0,1),(2,5,6,5,6),(3,0.5,2,0.5,2);
select id from r where x0>=0.25 and x1<=10 order by id;
select rtreecheck('r');
select * from generate_series(1,20,5);
select value*value from generate_series(1,3);
select hex(sha3('abc',256)), hex(sha3_query('select 1',224));
select quote(zeroblob(4)), hex(x'00ff'), length(x'0011'), substr(x'010203',2,1), typeof(x''), instr('hello','l'), printf('%05d %s %.2f %q %Q %w', 42,'s',3.14159,'it''s','it''s','w"w');
select abs(-5), round(2.567,1), upper('a'), lower('B'), trim('  x '), replace('abc','b','z'), coalesce(null,1), nullif(1,1), unicode('A'), char(65,66), soundex('robert'), sqlite_source_id() <> '', typeof(random()), length(randomblob(5));
select sin(1), cos(0), pow(2,10), sqrt(2), ln(10), ceil(1.2), floor(-1.2), mod(7,3), pi();
select date('2020-02-30'), datetime(0,'unixepoch'), strftime('%Y-%j','2024-12-31'), julianday('2000-01-01'), time('12:34:56','+1 hour');
select 'abc' like 'A%', 'abc' glob 'a*', 'abc' regexp '^a.c$', 'b' between 'a' and 'c';
select decimal_add('1.1','2.2'), decimal_mul('1.5','1.5'), ieee754(2.0), base64(x'414243');
select * from nosuch;
select nosuchfunc(1);
insert into t values(1,'dup',0);
.schema
.tables
.indexes
.dump
.databases
.show
.limit
explain query plan select * from t join u using(a) where b='x' order by c;
explain select 1;
.eqp on
select count(*) from t;
.eqp off
.stats off
.changes on
update t set c=0;
.changes off
pragma integrity_check; pragma quick_check; pragma foreign_key_check; pragma table_info(t); pragma table_xinfo(t); pragma compile_options;
.parameter set $x 42
select $x;
.parameter list
.width 5 10
.nullvalue NULL
select null;
.separator | \n
.print hello world
.lint fkey-indexes
.fullschema
.selftest --init
.sha3sum
.dbinfo
.vfslist
.help dump
.nosuch
.version_x
.exit 3
