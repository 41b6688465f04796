# Containers of docker.sh, which reads this file: working containers of buildah, run as chroots.

state=/var/lib/trunkline-docker # a folder for each container: name, image, working, pid, log, code

container_of() { # NAME or the beginning of an id
    local dir
    for dir in "$state"/*/; do
        [ -d "$dir" ] || continue
        if [ "$(cat "$dir/name")" = "$1" ] || [[ $(basename "$dir") == "$1"* ]]; then
            basename "$dir"
            return
        fi
    done
    return 1
}

need_container() {
    container_of "$1" || { echo "Error: No such container: $1" >&2; return 1; }
}

running() {
    [ -f "$state/$1/pid" ] && kill -0 "$(cat "$state/$1/pid")" 2>/dev/null
}

describe_container() {
    local id state_word=exited code=0 bool=false
    id=$(container_of "$1") || return 1
    running "$id" && { state_word=running bool=true; }
    [ -f "$state/$id/code" ] && code=$(cat "$state/$id/code")
    jq -n --arg id "$id" --arg name "/$(cat "$state/$id/name")" --arg image "$(cat "$state/$id/image")" --arg word "$state_word" \
        --argjson code "$code" --argjson running "$bool" \
        '{Id: $id, Name: $name, Image: $image, State: {Status: $word, Running: $running, ExitCode: $code},
          NetworkSettings: {IPAddress: "127.0.0.1"}}'
}

# Reads the options of run and create into globals; what is left is the command.
parse_run() {
    options=() volumes=() name='' entrypoint='' has_entrypoint='' detach='' remove='' workdir=''
    while [ $# -gt 0 ]; do
        case $1 in
        --rm | --rm=true) remove=yes ;;
        -d | --detach) detach=yes ;;
        -i | -t | -it | -ti | --interactive | --tty | --init | --privileged | --rm=false) ;;
        -e | --env)
            case $2 in *=*) options+=(--env "$2") ;; *) [ -z "${!2+x}" ] || options+=(--env "$2=${!2}") ;; esac
            shift ;;
        --env=*) options+=("$1") ;;
        -e?*) options+=(--env "${1#-e}") ;;
        --env-file | --env-file=*)
            local file=${1#--env-file=} line
            [ "$1" != --env-file ] || { file=$2; shift; }
            while IFS= read -r line || [ -n "$line" ]; do
                case $line in '' | '#'*) ;; *=*) options+=(--env "$line") ;; *) [ -z "${!line+x}" ] || options+=(--env "$line=${!line}") ;; esac
            done <"$file" ;;
        -v | --volume) volumes+=("$2"); shift ;;
        --volume=*) volumes+=("${1#*=}") ;;
        -w | --workdir) workdir=$2; shift ;;
        --workdir=*) workdir=${1#*=} ;;
        -u | --user) options+=(--user "$2"); shift ;;
        --user=*) options+=("$1") ;;
        --name) name=$2; shift ;;
        --name=*) name=${1#*=} ;;
        --entrypoint) entrypoint=$2 has_entrypoint=yes; shift ;;
        --entrypoint=*) entrypoint=${1#*=} has_entrypoint=yes ;;
        -p | --publish) check_port "$2"; shift ;;
        --publish=*) check_port "${1#*=}" ;;
        -m | --memory | --cpus | --network | --net | --restart | --hostname | -h | --shm-size | --cap-add | --security-opt | \
            --pull | --platform | --label | -l | --add-host | --ulimit | --log-driver) shift ;;
        --memory=* | --cpus=* | --network=* | --net=* | --restart=* | --hostname=* | --shm-size=* | --cap-add=* | \
            --security-opt=* | --pull=* | --platform=* | --label=* | --add-host=* | --ulimit=* | --log-driver=* | -P) ;;
        -*) fail "run: option $1 is not available in builds here" ;;
        *) break ;;
        esac
        shift
    done
    [ $# -gt 0 ] || fail '"docker run" requires at least 1 argument: the image'
    image=$1
    shift
    command=("$@")
}

# The build's network is the container's: a port is reached under its own number.
check_port() {
    local ports=${1%/*} host
    host=${ports%:*}
    [ "$host" = "$ports" ] || [ "${host##*:}" = "${ports##*:}" ] ||
        echo "docker: port ${ports##*:} is reached as localhost:${ports##*:}, not ${host##*:}: containers share the build's network" >&2
}

make_container() {
    local working config at from to
    working=$(buildah from --isolation chroot --quiet "$image") || exit 125
    container=$(buildah inspect --format '{{.ContainerID}}' "$working") || exit 125
    mkdir -p "$state/$container"
    echo "${name:-$working}" >"$state/$container/name"
    echo "$image" >"$state/$container/image"
    echo "$working" >"$state/$container/working"
    config=$(buildah inspect --type container "$working" | jq '.Docker.config')
    local words=()
    if [ -n "$has_entrypoint" ]; then
        [ -z "$entrypoint" ] || words+=("$entrypoint")
    else
        mapfile -t -d '' words < <(jq -j '.Entrypoint // [] | .[] + "\u0000"' <<<"$config")
    fi
    if [ ${#command[@]} -eq 0 ] && [ -z "$has_entrypoint" ]; then
        mapfile -t -d '' command < <(jq -j '.Cmd // [] | .[] + "\u0000"' <<<"$config")
    fi
    words+=("${command[@]}")
    [ ${#words[@]} -gt 0 ] || fail 'No command specified.'
    for at in "${volumes[@]}"; do
        from=${at%%:*} to=${at#*:}
        case $from in
        "$at") continue ;;
        /var/run/docker.sock | /run/docker.sock) continue ;; # there is no daemon behind it
        /*) mkdir -p "$from" 2>/dev/null ;;
        *) from=$state/volumes/$from; mkdir -p "$from" ;;
        esac
        options+=(--volume "$from:$to")
    done
    [ -z "$workdir" ] || options+=(--workingdir "$workdir")
    printf '%s\0' "${options[@]}" >"$state/$container/options"
    printf '%s\0' "${words[@]}" >"$state/$container/words"
}

# Runs what make_container has written; its exit status.
start_container() {
    local opts=() words=()
    mapfile -t -d '' opts <"$state/$1/options"
    mapfile -t -d '' words <"$state/$1/words"
    [ -n "${opts[0]:-}" ] || opts=()
    buildah run --isolation chroot "${opts[@]}" "$(cat "$state/$1/working")" -- "${words[@]}"
}

remove_container() {
    if running "$1"; then
        kill -KILL -- "-$(cat "$state/$1/pid")" 2>/dev/null
    fi
    buildah rm "$(cat "$state/$1/working")" >/dev/null 2>&1
    rm -rf -- "${state:?}/$1"
}

start_detached() {
    setsid "$0" --run-detached "$1" >"$state/$1/log" 2>&1 </dev/null &
    echo $! >"$state/$1/pid"
    echo "$1"
}

run() {
    parse_run "$@"
    make_container
    if [ -n "$detach" ]; then
        start_detached "$container"
        return
    fi
    local code=0
    start_container "$container" || code=$?
    echo "$code" >"$state/$container/code"
    [ -z "$remove" ] || remove_container "$container"
    return "$code"
}

create() {
    parse_run "$@"
    [ ${#command[@]} -gt 0 ] || command=(/bin/true)
    make_container
    echo "$container"
}

each() { # FUNCTION NAME...
    local function=$1 id name result=0
    shift
    for name in "$@"; do
        case $name in -*) continue ;; esac
        if id=$(need_container "$name"); then
            "$function" "$id" && echo "$name"
        else
            result=1
        fi
    done
    return $result
}

stop_one() {
    running "$1" || return 0
    local pid i
    pid=$(cat "$state/$1/pid")
    kill -TERM -- "-$pid" 2>/dev/null
    for i in $(seq 100); do
        running "$1" || return 0
        sleep 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null
}

kill_one() { ! running "$1" || kill -KILL -- "-$(cat "$state/$1/pid")"; }

wait_one() {
    while running "$1"; do sleep 0.1; done
    cat "$state/$1/code" 2>/dev/null || echo 137
}

exec_in() {
    local opts=()
    while [ $# -gt 0 ]; do
        case $1 in
        -i | -t | -it | -ti | -d | --interactive | --tty | --detach | --privileged) ;;
        -e | --env) opts+=(--env "$2"); shift ;;
        -w | --workdir) opts+=(--workingdir "$2"); shift ;;
        -u | --user) opts+=(--user "$2"); shift ;;
        -*) fail "exec: option $1 is not available in builds here" ;;
        *) break ;;
        esac
        shift
    done
    local id
    id=$(need_container "$1") || return
    shift
    buildah run --isolation chroot "${opts[@]}" "$(cat "$state/$id/working")" -- "$@"
}

copy() { # CONTAINER:PATH DEST or SOURCE CONTAINER:PATH
    local id root
    case $1 in -*) shift ;; esac
    if [[ $1 == *:* ]] && id=$(container_of "${1%%:*}"); then
        root=$(buildah mount "$(cat "$state/$id/working")") || return
        cp -a -- "$root/${1#*:}" "$2"
    elif [[ $2 == *:* ]] && id=$(need_container "${2%%:*}"); then
        root=$(buildah mount "$(cat "$state/$id/working")") || return
        cp -a -- "$1" "$root/${2#*:}"
    else
        return 1
    fi
}

list() {
    local quiet='' all='' dir id word
    for arg in "$@"; do
        case $arg in -q | --quiet) quiet=yes ;; -a | --all) all=yes ;; -aq | -qa) quiet=yes all=yes ;; esac
    done
    [ -n "$quiet" ] || printf '%-14s %-32s %-10s %s\n' 'CONTAINER ID' IMAGE STATUS NAMES
    for dir in "$state"/*/; do
        [ -f "$dir/image" ] || continue
        id=$(basename "$dir") word=Exited
        running "$id" && word=Up
        [ -n "$all" ] || [ "$word" = Up ] || continue
        if [ -n "$quiet" ]; then
            echo "${id:0:12}"
        else
            printf '%-14s %-32s %-10s %s\n' "${id:0:12}" "$(cat "$dir/image")" "$word" "$(cat "$dir/name")"
        fi
    done
}

logs() {
    local id
    id=$(need_container "${!#}") || return
    cat "$state/$id/log" 2>/dev/null
}

