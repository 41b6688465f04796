# The demo: one whole release on the embedded accounts, by nothing but the public verbs, git and the
# aws command line. `trunkline demo` runs this text with bash; TRUNKLINE is the program, DEMO_DIR the
# data directory (build/demo), EXAMPLE the example's folder, DEMO_YES=1 answers the approval.
set -euo pipefail

port=4566
work=$DEMO_DIR/work
name=logging-platform
environments="development pre-production production"
declare -A account=([shared-services]=111111111111 [development]=222222222222
    [pre-production]=333333333333 [production]=444444444444)

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' off=$'\e[0m'; else bold='' dim='' green='' red='' off=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$off"; }
say() { printf '   %s\n' "$*"; }
ok() { printf '   %sok%s  %s\n' "$green" "$off" "$*"; }
fail() {
    printf '%sdemo: %s%s\n' "$red" "$*" "$off" >&2
    exit 1
}
tl() { "$TRUNKLINE" "$@" --data "$DEMO_DIR"; }

# ---- processes: ours only, by their recorded ids ----

alive() { [ -n "$1" ] && [ "$(awk '{print $22}' "/proc/$1/stat" 2>/dev/null)" = "$2" ]; }
record() { printf '%s %s\n' "$1" "$(awk '{print $22}' "/proc/$1/stat")" >"$2"; }
stop_recorded() {
    [ -f "$1" ] || return 0
    local pid start
    read -r pid start <"$1" || true
    rm -f "$1"
    alive "${pid:-}" "${start:-}" || return 0
    kill "$pid"
    for _ in $(seq 200); do
        alive "$pid" "$start" || return 0
        read -rt 0.05 <> <(:) || true
    done
    kill -9 "$pid" 2>/dev/null || true
}
finish() {
    local status=$?
    stop_recorded "$DEMO_DIR.receive.pid"
    [ "${keep:-0}" = 1 ] || stop_recorded "$DEMO_DIR.serve.pid"
    exit "$status"
}
trap finish EXIT

wait_for_line() { # wait_for_line FILE PREFIX SECONDS PID: prints what follows the prefix
    local line
    for _ in $(seq $(($3 * 20))); do
        line=$(grep -m1 "^$2" "$1" 2>/dev/null || true)
        [ -z "$line" ] || { printf '%s\n' "${line#"$2"}"; return 0; }
        kill -0 "$4" 2>/dev/null || return 1
        read -rt 0.05 <> <(:) || true
    done
    return 1
}

# Runs a command as a principal of an account: as_account ACCOUNT aws ...
as_account() {
    local who=$1
    shift
    (eval "$(tl env "$who")" && "$@")
}
# The aws command line: where it is older than AWS_ENDPOINT_URL it is given --endpoint-url.
cli() {
    local who=$1
    shift
    if [ "$endpoint_option" = 1 ]; then
        as_account "$who" bash -c 'exec aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"' aws "$@"
    else
        as_account "$who" aws "$@"
    fi
}
cli_old() { # aws-cli/2.9.19 Python/...: the variable came with 2.13 and 1.29
    local version
    version=$(aws --version 2>&1 | sed -n 's,^aws-cli/\([0-9]*\)\.\([0-9]*\).*,\1 \2,p')
    read -r major minor <<<"$version"
    { [ "$major" = 2 ] && [ "$minor" -lt 13 ]; } || { [ "$major" = 1 ] && [ "$minor" -lt 29 ]; }
}

# ---- 1. the machine, the image, the server ----

begin() {
    step "1. This machine"
    "$TRUNKLINE" doctor || fail "this machine cannot run builds; see above"
    "$TRUNKLINE" image build --if-missing
    export AWS_PAGER="" AWS_EC2_METADATA_DISABLED=true
    endpoint_option=0
    if cli_old; then endpoint_option=1; fi
}

serve() {
    stop_recorded "$DEMO_DIR.receive.pid"
    stop_recorded "$DEMO_DIR.serve.pid"
    # Only what a demo made is thrown away.
    if [ -e "$DEMO_DIR" ] && [ ! -f "$DEMO_DIR/demo" ] && [ -n "$(ls -A "$DEMO_DIR" 2>&1)" ]; then
        fail "$DEMO_DIR holds something that is no demo's: name another directory with --data"
    fi
    rm -rf "$DEMO_DIR"
    mkdir -p "$DEMO_DIR"
    : >"$DEMO_DIR/demo"
    local try
    for try in "127.0.0.1:$port" 127.0.0.1:0; do
        "$TRUNKLINE" serve --data "$DEMO_DIR" --listen "$try" --allow-notify-to 127.0.0.0/8 \
            </dev/null >"$DEMO_DIR.serve.log" 2>&1 &
        server=$!
        if url=$(wait_for_line "$DEMO_DIR.serve.log" "trunkline: ready " 20 "$server"); then
            record "$server" "$DEMO_DIR.serve.pid"
            ok "four accounts are served at $bold$url$off (data in $DEMO_DIR)"
            return 0
        fi
        wait "$server" 2>/dev/null || true
        say "$(tail -n 1 "$DEMO_DIR.serve.log")"
    done
    fail "the server did not start; see $DEMO_DIR.serve.log"
}

receive() {
    "$TRUNKLINE" dev receive --listen 127.0.0.1:0 --out "$DEMO_DIR/received.jsonl" \
        </dev/null >"$DEMO_DIR.receive.log" 2>&1 &
    local receiver=$!
    webhook=$(wait_for_line "$DEMO_DIR.receive.log" "trunkline: receiving at " 10 "$receiver") ||
        fail "the webhook receiver did not start; see $DEMO_DIR.receive.log"
    record "$receiver" "$DEMO_DIR.receive.pid"
    ok "a webhook receiver listens at $webhook"
}

# ---- Terraform: found on the machine, or the network, or not at all ----

plugin_dirs() { # where Terraform itself would look for providers
    local config=${TF_CLI_CONFIG_FILE:-$HOME/.terraformrc}
    [ -n "${TRUNKLINE_TERRAFORM_MIRROR:-}" ] && printf '%s\n' "$TRUNKLINE_TERRAFORM_MIRROR"
    [ -r "$config" ] && awk '/filesystem_mirror/ {in_mirror = 1}
        in_mirror && /path/ {gsub(/.*= *"|".*/, ""); print; in_mirror = 0}' "$config"
    printf '%s\n' "$HOME/.terraform.d/plugins" "${XDG_DATA_HOME:-$HOME/.local/share}/terraform/plugins" \
        /usr/local/share/terraform/plugins /usr/share/terraform/plugins
}
find_provider() {
    local dir dirs
    dirs=$(plugin_dirs)
    while IFS= read -r dir; do
        if compgen -G "$dir/registry.terraform.io/hashicorp/aws/5.*" >/dev/null; then
            printf '%s\n' "$dir"
            return 0
        fi
    done <<<"$dirs"
}
terraform_here() {
    terraform_bin=$(command -v terraform || true)
    [ -n "$terraform_bin" ] || return 1
    plugins=$(find_provider)
    [ -n "$plugins" ]
}
# A zip of the local binary under the vendor's URL, so that the build downloads it from there. The
# sums are made here, too: they prove that the bytes arrive whole, not where they come from.
mirror_terraform() {
    local version zip base
    version=$(TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1 terraform version -json | jq -r .terraform_version)
    zip=terraform_${version}_linux_amd64.zip
    base=https://releases.hashicorp.com/terraform/$version
    mkdir -p "$work/mirror"
    (cd "$(dirname "$(readlink -f "$terraform_bin")")" && zip -qX1 "$work/mirror/$zip" "$(basename "$(readlink -f "$terraform_bin")")")
    (cd "$work/mirror" && sha256sum "$zip" >"terraform_${version}_SHA256SUMS")
    tl mirror add "$base/$zip" "$work/mirror/$zip" >/dev/null
    tl mirror add "$base/terraform_${version}_SHA256SUMS" "$work/mirror/terraform_${version}_SHA256SUMS" >/dev/null
    sed -i -E "s|^(/$name/[a-z-]+/terraform_version)=.*|\1=$version|" "$work/$name/parameters.env"
    printf 'mounts:\n  - {source: "%s", target: /usr/share/terraform/plugins}\n' "$plugins" >"$DEMO_DIR/trunkline.yml"
    ok "Terraform $version and its AWS provider were found on this machine: the build downloads the"
    say "    former from the mirror (its checksums prove the transport, not the origin) and reads the"
    say "    latter from a read-only mount"
}
mirror_shipper() {
    local file base
    "$work/$name/shipper/release.sh" "$work/mirror" >/dev/null
    file=$(cd "$work/mirror" && ls log-shipper-*.tar.gz)
    base=${file#log-shipper-}
    base=https://downloads.example.org/log-shipper/${base%.tar.gz}
    tl mirror add "$base/$file" "$work/mirror/$file" >/dev/null
    tl mirror add "$base/SHA256SUMS" "$work/mirror/SHA256SUMS" >/dev/null
    ok "the log shipper's release was packed and put into the mirror"
}

# ---- 2. and 3. accounts, repository, pipeline ----

prepare() {
    step "2. Four accounts"
    mkdir -p "$work"
    cp -R "$EXAMPLE" "$work/$name"
    sed -i "s|webhook: \"[^\"]*\"|webhook: \"$webhook\"|" "$work/$name/release.yml"
    mkdir -p "$work/mirror"
    if terraform_here; then
        mirror_terraform
    else
        say "Terraform with its AWS provider is not on this machine: steps 3 to 5 use CloudFormation"
        sed -i '/^test:/i buildspec: buildspec.cloudformation.yml' "$work/$name/release.yml"
    fi
    mirror_shipper
    tl account setup "$work/$name/accounts.yml"
}
git_in() { git -C "$work/$name" -c user.name="$1" -c user.email="$2" -c commit.gpgsign=false "${@:3}"; }

repository() {
    step "3. A repository and its pipeline"
    git init -q --bare -b main "$work/$name.git"
    git -C "$work/$name" init -q -b main
    git_in "Ada Lovelace" ada@example.org add -A
    git_in "Ada Lovelace" ada@example.org commit -qm "Collect the logs of every environment"
    git_in "Ada Lovelace" ada@example.org push -q "$work/$name.git" main
    ok "trunk: $work/$name.git at $(git -C "$work/$name" rev-parse --short HEAD)"
    tl apply "$work/$name/release.yml"
}

# ---- 4. and 5. the release, to the approval and beyond ----

newest() { tl history --json | jq -r '.executions[0].id'; }

watch_until() { # the wanted exit status; 4 = waits for approval, 0 = succeeded
    local wanted=$1 status=0
    tl watch "$execution" || status=$?
    [ "$status" = "$wanted" ] || fail "the release ended with status $status, not $wanted"
}

approve() {
    step "5. A person decides"
    tl show "$execution"
    local answer=y
    if [ -t 0 ] && [ -t 1 ] && [ "${DEMO_YES:-0}" != 1 ]; then
        read -rp "   Approve the deployment to production? [y/N] " answer
    else
        say "No terminal, or --yes: session demo-approver of role approver says yes."
    fi
    case "$answer" in y | Y | yes) ;; *) fail "not approved" ;; esac
    local token
    token=$(cli shared-services codepipeline get-pipeline-state --name "$name" --query \
        "stageStates[?stageName=='Production-Approve'].actionStates[0].latestExecution.token | [0]" --output text)
    # The approver's own session, then the public call with the action's token.
    (
        eval "$(tl env shared-services)"
        option=(); [ "$endpoint_option" = 0 ] || option=(--endpoint-url "$AWS_ENDPOINT_URL")
        read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN < <(
            aws "${option[@]}" sts assume-role --role-arn arn:aws:iam::111111111111:role/approver \
                --role-session-name demo-approver --output text \
                --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
        export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
        aws "${option[@]}" codepipeline put-approval-result --pipeline-name "$name" \
            --stage-name Production-Approve --action-name Approve --token "$token" \
            --result "summary=Read the release card,status=Approved" >/dev/null
    )
    ok "approved by arn:aws:sts::111111111111:assumed-role/approver/demo-approver"
}

release() {
    step "4. One commit travels"
    execution=$(newest)
    watch_until 4
    approve
    watch_until 0
}

# ---- 6. from outside ----

check_environment() {
    local env=$1 groups bad stacks parameter alarm
    stacks=$(cli "$env" cloudformation describe-stacks --query 'Stacks[].[StackName,StackStatus]' --output text | sort)
    groups=$(cli "$env" logs describe-log-groups --query 'logGroups[].[logGroupName,retentionInDays]' --output text)
    parameter=$(cli "$env" ssm get-parameters-by-path --path "/$name/$env" --recursive --query 'Parameters[].[Name,Value]' --output text)
    alarm=$(cli "$env" cloudwatch describe-alarms --alarm-names logging-errors --query 'MetricAlarms[].StateValue' --output text)
    printf '   %s%s%s (account %s)\n' "$bold" "$env" "$off" "${account[$env]}"
    [ "$(grep -c COMPLETE <<<"$stacks")" -ge 2 ] || fail "$env: the stacks are not there: $stacks"
    while read -r stack status; do say "  stack      $stack  $status"; done <<<"$stacks"
    [ -n "$groups" ] || fail "$env: there are no log groups"
    bad=$(awk '$2 != 7' <<<"$groups")
    [ -z "$bad" ] || fail "$env: log groups without 7-day retention: $bad"
    say "  log groups $(wc -l <<<"$groups"), each kept for 7 days"
    [ -n "$parameter" ] || fail "$env: nothing was published in Parameter Store"
    while read -r key value; do say "  parameter  $key = $value"; done <<<"$parameter"
    [ -n "$alarm" ] || fail "$env: alarm logging-errors is not there"
    say "  alarm      logging-errors  $alarm"
}

outside() {
    step "6. Seen from outside, by $(aws --version 2>&1 | cut -d' ' -f1)"
    local env
    for env in $environments; do check_environment "$env"; done
    say "Functions are deployed, not run: the embedded Lambda is its control plane."
    tl show "$execution" --times
}

# ---- 7. a regression ----

regression() {
    step "7. A second commit, with a regression"
    printf '7\n' >"$work/$name/smoke/errors"
    git_in "Grace Hopper" grace@example.org commit -qam "Ship logs in larger batches"
    local before=$execution commit
    commit=$(git -C "$work/$name" rev-parse HEAD)
    git_in "Grace Hopper" grace@example.org push -q "$work/$name.git" main
    say "pushed $(git -C "$work/$name" rev-parse --short HEAD) by Grace Hopper; nobody starts anything"
    for _ in $(seq 400); do
        execution=$(newest)
        [ "$execution" = "$before" ] || break
        read -rt 0.1 <> <(:) || true
    done
    [ "$execution" != "$before" ] || fail "the watcher did not find the commit"
    ok "the watcher found it: execution $execution"
    watch_until 1
    local alarm reason message
    alarm=$(cli pre-production cloudwatch describe-alarms --alarm-names logging-errors --query 'MetricAlarms[0].StateValue' --output text)
    [ "$alarm" = ALARM ] || fail "pre-production's alarm is $alarm, not ALARM"
    ok "pre-production's alarm logging-errors is in ALARM"
    # By our own verb: aws command lines older than conditions leave them out of their answers.
    reason=$(tl status --json | jq -r '.pipelines[0].stages[] | select(.name == "Production-Approve") | .why')
    [ "${reason#*failed: Alarm logging-errors }" != "$reason" ] || fail "the production gate is not closed: $reason"
    ok "the gate to production stays closed: ${reason#*failed: }"
    for _ in $(seq 300); do
        message=$(jq -rc --arg commit "$commit" 'select(.Type == "Notification") | .Message | fromjson? |
            select(.kind == "alarm" and .commit == $commit and .alarm == "logging-errors") | tojson' \
            "$DEMO_DIR/received.jsonl" 2>/dev/null | tail -n 1)
        [ -z "$message" ] || break
        read -rt 0.1 <> <(:) || true
    done
    [ -n "$message" ] || fail "the webhook was not told; see $DEMO_DIR/received.jsonl"
    grep -q "Grace Hopper" <<<"$message" && grep -q "Pre_Production" <<<"$message" ||
        fail "the message does not name author and stage: $message"
    ok "the developers were told, through SNS:"
    (jq -r '.text // .' <<<"$message" 2>/dev/null || printf '%s\n' "$message") | sed 's/^/       /'
}

main() {
    begin
    step "   The server"
    serve
    receive
    prepare
    repository
    release
    outside
    regression
    step "Done"
    ok "one commit in production, the next one stopped before it"
    if [ -t 0 ] && [ -t 1 ]; then
        keep=1
        say "The server keeps running: $("$TRUNKLINE" console --data "$DEMO_DIR")"
        say "Try: eval \"\$($TRUNKLINE env shared-services --data $DEMO_DIR)\"; aws codepipeline list-pipelines"
        say "End it with: kill \$(cut -d' ' -f1 $DEMO_DIR.serve.pid)"
    else
        say "Look around in it: $TRUNKLINE serve --data $DEMO_DIR & then $TRUNKLINE console --data $DEMO_DIR"
    fi
}
main
