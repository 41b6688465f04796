#!/bin/sh
# Stands before Terraform in builds of a plan stage (PLAN=true): what changes anything is refused,
# all else is handed on to the program of this name that comes next in PATH.
self=$(dirname "$0")
name=$(basename "$0")

deny() {
    echo "$1" >/codebuild/output/.plan-stage 2>/dev/null
    echo "trunkline: this is a plan stage (PLAN=true): \"$name $1\" is denied. Save the plan" \
        "(terraform plan -out=FILE) as the action's artifact; the stage that deploys applies it." >&2
    exit 1
}

command= second=
for word in "$@"; do
    case $word in
    -*) ;;
    *)
        if [ -z "$command" ]; then
            command=$word
        elif [ -z "$second" ]; then
            second=$word
        fi
        ;;
    esac
done
case $command in
apply | destroy | force-unlock | import | refresh | taint | untaint) deny "$command" ;;
state)
    case $second in
    mv | push | replace-provider | rm) deny "state $second" ;;
    esac
    ;;
workspace)
    case $second in
    delete) deny "workspace delete" ;;
    esac
    ;;
esac

rest=$PATH:
while [ -n "$rest" ]; do
    dir=${rest%%:*}
    rest=${rest#*:}
    if [ -n "$dir" ] && [ "$dir" != "$self" ] && [ -x "$dir/$name" ] && [ ! -d "$dir/$name" ]; then
        exec "$dir/$name" "$@"
    fi
done
echo "$name: not found" >&2
exit 127
