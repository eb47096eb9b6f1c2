# Fish completion for the commands of the kit. Installed once for each command, under its name.

set -l command (string replace -r '\.fish$' '' (basename (status filename)))
complete -c $command -s h -l help -d 'show the help'
switch $command
    case ia2-init
        complete -c $command -l policy -r -d 'the file to write'
        complete -c $command -l capture -x -d 'build with this command, recorded by Bear'
        complete -c $command -l out -x -a '(__fish_complete_directories)' -d 'output directory of ia2-rewrite'
        complete -c $command -l target -x -d 'the program to split'
        complete -c $command -l source-root -x -a '(__fish_complete_directories)' -d 'top of the source tree'
        complete -c $command -l kit-build -x -a '(__fish_complete_directories)' -d "the kit's own build directory"
    case ia2-rewrite
        complete -c $command -l policy -r -d 'compartments.toml'
        complete -c $command -l out -x -a '(__fish_complete_directories)' -d 'directory for all output'
        complete -c $command -l capture -x -d 'build with this command, recorded by Bear'
        complete -c $command -l recorded -x -a '(__fish_complete_directories)' -d 'output directory that has seen the build'
        complete -c $command -l target -x -d 'the program to split'
        complete -c $command -l cc -x -a '(__fish_complete_command)' -d 'compile and link with this'
        complete -c $command -l ld -x -a 'bfd lld' -d 'link with this'
        complete -c $command -l cflag -x -d 'a further argument for compilations'
        complete -c $command -l ldflag -x -d 'a further argument for links'
        complete -c $command -l permissive -d 'record violations and go on: nothing is enforced'
        complete -c $command -l debug -d 'compile every source again, for gdb'
        complete -c $command -l library -r -d 'refuse unless it is linked'
        complete -c $command -s j -x -d 'compilations at a time'
        complete -c $command -l stage -x -a 'capture canonicalize plan rewrite link audit' -d 'the last stage to run'
        complete -c $command -l source-root -x -a '(__fish_complete_directories)' -d 'top of the source tree'
        complete -c $command -l publish -x -a '(__fish_complete_directories)' -d 'put the result there too'
        complete -c $command -l depfile -r -d 'write what the result depends on'
        complete -c $command -l depfile-target -r -d 'what the depfile says depends on it'
        complete -c $command -s q -l quiet -d 'print errors only'
        complete -c $command -l kit-build -x -a '(__fish_complete_directories)' -d "the kit's own build directory"
    case ia2-audit
        complete -c $command -s q -l quiet -d 'print only what failed'
        complete -c $command -l json -d 'print the contents of audit.json'
        complete -c $command -l permissive -d 'accept that nothing is enforced'
        complete -c $command -l only -x -a 'enforcement hardening instructions tls loader symbols mapped' -d 'only the checks of this group'
    case ia2-learn
        complete -c $command -l policy -r -d 'the policy that the program was built with'
        complete -c $command -l write -r -d 'write the policy with the lines added'
        complete -c $command -l json -d 'print the suggestions as JSON'
    case ia2-report
        complete -c $command -l page -r -d 'where the page goes'
        complete -c $command -l svg -r -d 'write the graph as a file too'
        complete -c $command -l violations -r -d 'show the violations of this log'
    case ia2-pad-tls
        complete -c $command -l allow-no-tls -d 'accept files without thread-local storage'
    case ia2-doctor
        complete -c $command -l json -d 'print the findings as JSON'
        complete -c $command -l kit-build -x -a '(__fish_complete_directories)' -d "the kit's own build directory"
    case ia2-run-in-vm
        complete -c $command -l timeout -x -d 'stop after so many seconds'
        complete -c $command -l cpus -x -d 'number of CPUs'
        complete -c $command -l memory -x -d 'memory in MB'
        complete -c $command -l cpu -x -d "QEMU's CPU model"
        complete -c $command -l kernel -x -a '6.1 6.12' -d 'series of the kernel'
        complete -c $command -l writable -x -a '(__fish_complete_directories)' -d 'what is written there stays'
        complete -c $command -l env -x -d 'set a variable, NAME=VALUE'
end
