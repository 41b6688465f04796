#!/bin/bash
# docker, for privileged builds: the commands of buildspecs, carried out by buildah. There is no
# daemon: images lie in the build's own layer, containers are chroots in the build's own namespaces
# and share its network. What is not here says so and fails.
set -u

fail() {
    echo "docker: $*" >&2
    exit 1
}

no_such_command() {
    fail "'$1' is not available in builds here (Trunkline runs docker's commands by buildah, see docs/limits.md)"
}

. /usr/local/lib/trunkline-docker-containers.sh

# ---- images ----

# Options of `docker build` that buildah has by another name, or that mean nothing to it.
build() {
    local args=() tags=() push='' output='' path='' quiet=''
    while [ $# -gt 0 ]; do
        case $1 in
        -t | --tag) tags+=("$2"); args+=(--tag "$2"); shift ;;
        --tag=*) tags+=("${1#*=}"); args+=("$1") ;;
        -t?*) tags+=("${1#-t}"); args+=(--tag "${1#-t}") ;;
        --push) push=yes ;;
        --load | --rm | --rm=* | --force-rm | --force-rm=* | --compress | --provenance=* | --sbom=* | --attest=*) ;;
        --progress=* | --network=* | --cache-from=type=* | --cache-to=* | --builder=* | --shm-size=* | --ulimit=*) ;;
        --progress | --network | --cache-to | --builder | --provenance | --sbom | --attest | --shm-size | --ulimit) shift ;;
        --cache-from) case $2 in type=*) ;; *) args+=(--cache-from "${2%%[:@]*}") ;; esac; shift ;;
        --cache-from=*) args+=(--cache-from "${1#*=}") ;;
        --output | -o) output=$2; shift ;;
        --output=*) output=${1#*=} ;;
        -q | --quiet) quiet=yes; args+=(--quiet) ;;
        --pull) args+=(--pull-always) ;;
        -f | --file | --build-arg | --target | --label | --platform | --iidfile | --secret | --ssh | --add-host | \
            --build-context | -m | --memory | --cpu-shares | --cpuset-cpus | --cpu-period | --cpu-quota)
            args+=("$1" "$2"); shift ;;
        -) path=- ;;
        -*) args+=("$1") ;;
        *) path=$1 ;;
        esac
        shift
    done
    [ -n "$path" ] || fail '"docker build" requires exactly 1 argument: the folder to build'
    [ -z "$output" ] || args+=(--output "$output")
    if [ "$path" = - ]; then
        path=$(mktemp -d)
        args+=(--file -)
    fi
    buildah build --isolation chroot --format docker --layers "${args[@]}" "$path" || exit $?
    for tag in ${push:+"${tags[@]}"}; do
        push_one "$tag" || exit $?
    done
    [ -n "$quiet" ] || [ ${#tags[@]} -eq 0 ] || printf 'Successfully tagged %s\n' "${tags[@]}"
}

push_one() {
    buildah push --format docker "$1" "docker://$1"
}

push() {
    local all='' name=''
    for arg in "$@"; do
        case $arg in
        -a | --all-tags) all=yes ;;
        -q | --quiet | --disable-content-trust*) ;;
        -*) fail "push: unknown option $arg" ;;
        *) name=$arg ;;
        esac
    done
    [ -n "$name" ] || fail '"docker push" requires exactly 1 argument'
    if [ -z "$all" ]; then
        push_one "$name"
        return
    fi
    local found=''
    while read -r one; do
        found=yes
        push_one "$one" || return
    done < <(buildah images --format '{{.Name}}:{{.Tag}}' | grep -F -- "$name:")
    [ -n "$found" ] || fail "no image $name"
}

save() {
    local file='' names=()
    while [ $# -gt 0 ]; do
        case $1 in
        -o | --output) file=$2; shift ;;
        --output=*) file=${1#*=} ;;
        *) names+=("$1") ;;
        esac
        shift
    done
    [ ${#names[@]} -eq 1 ] || fail 'save takes one image here'
    local to=${file:-$(mktemp -u)}
    rm -f -- "$to"
    buildah push --quiet --format docker "${names[0]}" "docker-archive:$to:${names[0]}" >&2 || return
    [ -n "$file" ] || { cat -- "$to"; rm -f -- "$to"; }
}

load() {
    local file='' temporary=''
    while [ $# -gt 0 ]; do
        case $1 in
        -i | --input) file=$2; shift ;;
        --input=*) file=${1#*=} ;;
        esac
        shift
    done
    if [ -z "$file" ]; then
        file=$(mktemp) temporary=$file
        cat >"$file"
    fi
    local plain=$file
    if [ "$(head -c 2 -- "$file" | od -An -tx1 | tr -d ' ')" = 1f8b ]; then
        plain=$(mktemp)
        gzip -dc -- "$file" >"$plain" || return
    fi
    local id
    id=$(buildah pull --quiet "docker-archive:$plain") || return
    echo "Loaded image: $(buildah images --format '{{.Name}}:{{.Tag}}' --filter "id=$id" 2>/dev/null | head -1 | grep . || echo "$id")"
    [ -z "$temporary" ] || rm -f -- "$temporary"
    [ "$plain" = "$file" ] || rm -f -- "$plain"
}

# One image as docker shows it, from what buildah knows.
describe_image() {
    local whole id digest name
    whole=$(buildah inspect --type image "$1" 2>/dev/null) || return 1
    id=$(jq -r '.FromImageID' <<<"$whole")
    digest=$(jq -r '.FromImageDigest' <<<"$whole")
    case $1 in # an image has many names: the one that was asked for, whole
    */*:*) name=$1 ;;
    */*) name=$1:latest ;;
    *:*) name=localhost/$1 ;;
    *) name=localhost/$1:latest ;;
    esac
    jq --arg id "sha256:$id" --arg name "$name" --arg digest "${name%:*}@$digest" \
        '{Id: $id, RepoTags: [$name], RepoDigests: [$digest], Created: .Docker.created, Architecture: .Docker.architecture,
          Os: .Docker.os, Config: .Docker.config, RootFS: .Docker.rootfs}' <<<"$whole"
}

# The few templates that buildspecs use: paths of members, the first of a list.
by_template() {
    local template=$1 path
    path=$(sed -nE 's/^[[:space:]]*\{\{ *(json +)?(\.[A-Za-z.]*) *\}\}[[:space:]]*$/\2/p' <<<"$template")
    if [ -n "$path" ]; then
        jq -r "$path | if type == \"object\" or type == \"array\" then tojson else . end"
        return
    fi
    path=$(sed -nE 's/^[[:space:]]*\{\{ *\(? *index +(\.[A-Za-z.]*) +([0-9]+) *\)? *\}\}[[:space:]]*$/\1[\2]/p' <<<"$template")
    [ -n "$path" ] || fail "inspect: this template is not understood here: $template"
    jq -r "$path"
}

inspect() {
    local template='' names=()
    while [ $# -gt 0 ]; do
        case $1 in
        -f | --format) template=$2; shift ;;
        --format=*) template=${1#*=} ;;
        -f=*) template=${1#*=} ;;
        --type) shift ;;
        --type=* | -s | --size) ;;
        *) names+=("$1") ;;
        esac
        shift
    done
    local all=() one
    for name in "${names[@]}"; do
        one=$(describe_image "$name") || one=$(describe_container "$name") || fail "No such object: $name"
        all+=("$one")
    done
    if [ -n "$template" ]; then
        printf '%s\n' "${all[@]}" | by_template "$template"
    else
        printf '%s\n' "${all[@]}" | jq -s .
    fi
}

# ---- the rest ----

login() {
    local args=() server=''
    while [ $# -gt 0 ]; do
        case $1 in
        -u | --username | -p | --password) args+=("$1" "$2"); shift ;;
        -*) args+=("$1") ;;
        *) server=$1 ;;
        esac
        shift
    done
    server=${server#https://}
    server=${server#http://}
    buildah login "${args[@]}" "${server%%/*}" || return
}

buildx() {
    local word=${1:-}
    shift
    case $word in
    build | b) build "$@" ;;
    create | use | inspect | ls | rm | install | version) echo "buildah $(buildah --version | cut -d' ' -f3)" ;;
    *) no_such_command "buildx $word" ;;
    esac
}

word=${1:-help}
[ $# -eq 0 ] || shift
case $word in
--run-detached)
    start_container "$1"
    echo $? >"$state/$1/code"
    ;;
build) build "$@" ;;
buildx) buildx "$@" ;;
builder) [ "${1:-}" = prune ] || no_such_command "builder ${1:-}" ;;
image)
    sub=${1:-ls}
    [ $# -eq 0 ] || shift
    case $sub in
    build) build "$@" ;;
    push) push "$@" ;;
    save) save "$@" ;;
    load) load "$@" ;;
    inspect) inspect "$@" ;;
    ls | list) buildah images "$@" ;;
    rm) buildah rmi "$@" ;;
    prune) buildah rmi --prune ;;
    pull | tag) buildah "$sub" "$@" ;;
    *) no_such_command "image $sub" ;;
    esac
    ;;
container)
    [ $# -gt 0 ] || no_such_command container
    exec "$0" "$@"
    ;;
push) push "$@" ;;
pull) for arg in "$@"; do case $arg in -q | --quiet) ;; *) buildah pull "$arg" || exit ;; esac; done ;;
tag) buildah tag "$@" ;;
images) buildah images "$@" ;;
rmi) buildah rmi "$@" ;;
save) save "$@" ;;
load) load "$@" ;;
inspect) inspect "$@" ;;
history) buildah inspect --type image "$1" | jq -r '.History[].created_by // empty' ;;
login) login "$@" ;;
logout) buildah logout "${1:---all}" ;;
run) run "$@" ;;
create) create "$@" ;;
start) each start_detached "$@" >/dev/null ;;
stop) each stop_one "$@" ;;
kill) each kill_one "$@" ;;
wait) for name in "$@"; do id=$(need_container "$name") && wait_one "$id"; done ;;
rm) each remove_container "$@" ;;
exec) exec_in "$@" ;;
cp) copy "$@" ;;
ps) list "$@" ;;
logs) logs "$@" ;;
info) printf 'Server: buildah %s, no daemon\n Storage Driver: vfs\n' "$(buildah --version | cut -d' ' -f3)" ;;
version | --version | -v) printf 'Docker version 20.10 (commands, by buildah %s)\n' "$(buildah --version | cut -d' ' -f3)" ;;
system | volume | network) [ "${1:-}" = prune ] || [ "${1:-}" = create ] || no_such_command "$word ${1:-}" ;;
help | --help | -h) echo 'docker build tag push pull login logout run create start stop rm exec cp ps logs wait images rmi save load inspect' ;;
*) no_such_command "$word" ;;
esac
