# What the package's own tests of the shell (test/shell*.test) need of its tester.tcl, without a Tcl that has SQLite built in.
# CLI in the environment is the program under test; SETUP_CLI runs what a test does to the database besides.
# Prints each test's name, whether its result is the expected one, and what the program said.

proc test_cli_invocation {} { return $::env(CLI) }
proc test_find_cli {} { return $::env(CLI) }

proc sqlite3 {name file args} {
  proc ::$name {command args} [string map [list FILE $file] {
    if {$command ne "eval"} { return "" }
    return [join [split [exec $::env(SETUP_CLI) -batch -cmd ".mode tcl" {FILE} [lindex $args 0]] "\n"] " "]
  }]
}

proc get_pwd {} { pwd }
proc execsql {sql} { db eval $sql }
proc forcedelete {args} { file delete -force {*}$args }
proc reset_db {} { forcedelete test.db test.db-journal test.db-wal; sqlite3 db test.db }
proc ifcapable {condition script {else ""} {other ""}} {
  if {[string index $condition 0] eq "!"} { uplevel 1 $other } else { uplevel 1 $script }
}

proc run_cli {options input translation} {
  set out [open cmds.txt w]
  fconfigure $out -translation $translation
  puts -nonewline $out $input
  close $out
  set status [catch { eval "exec $options < cmds.txt" } said]
  list $status $said
}
proc catchcmd {db {cmd ""}} { run_cli "$::env(CLI) $db" "$cmd\n" auto }
proc catchcmdex {db {cmd ""}} { run_cli "-keepnewline -- $::env(CLI) $db" $cmd binary }

proc is_expected {result expected} {
  if {[regexp {^(~?)/(.*)/$} $expected all not pattern]} {
    return [expr {[regexp $pattern $result] == ($not eq "")}]
  }
  expr {$result eq $expected || [lrange $result 0 end] eq [lrange $expected 0 end]}
}
proc do_test {name script expected} {
  if {[info exists ::testprefix] && ![string match "$::testprefix*" $name]} { set name "$::testprefix-$name" }
  if {[catch {uplevel #0 $script} result]} { set result "error: $result" }
  if {[catch {is_expected $result $expected} good]} { set good 0 }
  puts "[expr {$good ? "ok" : "DIFFERS"}] $name: $result"
}
proc do_execsql_test {name sql {expected {}}} { do_test $name [list db eval $sql] $expected }
proc finish_test {} { exit 0 }

fconfigure stdout -translation binary
reset_db
