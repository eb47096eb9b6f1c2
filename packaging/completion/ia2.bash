# Bash completion for the commands of the kit; loaded by the name of the command.

_ia2() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options
    COMPREPLY=()
    case ${1##*/} in
        ia2-rewrite) options='--help --policy --out --capture --recorded --target --cc --ld --cflag --ldflag --permissive --debug --library -j --stage --source-root
            --publish --depfile --depfile-target --quiet --kit-build' ;;
        ia2-init) options='--help --policy --capture --out --target --source-root --kit-build' ;;
        ia2-audit) options='--help --quiet --json --only --permissive' ;;
        ia2-learn) options='--help --policy --write --json' ;;
        ia2-report) options='--help --page --svg --violations' ;;
        ia2-pad-tls) options='--help --allow-no-tls' ;;
        ia2-doctor) options='--help --json --kit-build' ;;
        ia2-run-in-vm) options='--help --timeout --cpus --memory --cpu --kernel --writable --env' ;;
    esac
    case $before in
        --stage) COMPREPLY=($(compgen -W 'capture canonicalize plan rewrite link audit' -- "$word")); return ;;
        --only) COMPREPLY=($(compgen -W 'enforcement hardening instructions tls loader symbols mapped' -- "$word")); return ;;
        --ld) COMPREPLY=($(compgen -W 'bfd lld' -- "$word")); return ;;
        --cc) COMPREPLY=($(compgen -c -- "$word")); return ;;
        --out | --recorded | --publish | --source-root | --kit-build | --writable) COMPREPLY=($(compgen -d -- "$word")); return ;;
        --capture | --cflag | --ldflag | -j | --timeout | --cpus | --memory | --cpu | --kernel | --env) return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -o filenames -F _ia2 ia2-init ia2-rewrite ia2-audit ia2-learn ia2-report ia2-pad-tls ia2-doctor ia2-run-in-vm
