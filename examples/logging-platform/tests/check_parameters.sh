#!/bin/bash
# Every parameter that a buildspec reads has to be in parameters.env, for every environment of
# release.yml, once and with a value; and every line there has to be read by a buildspec.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

complain() {
    echo "check_parameters: $*" >&2
    failed=1
}

mapfile -t environments < <(sed -n 's/^  \([a-z-]*\): *{account: .*/\1/p' release.yml)
mapfile -t read_names < <(grep -ho "/logging-platform/\$ENV/[A-Za-z0-9_.-]*" buildspec*.yml | sort -u)
[ ${#environments[@]} -gt 0 ] || complain "release.yml has no environment"
[ ${#read_names[@]} -gt 0 ] || complain "no buildspec reads a parameter"

wanted=$(for environment in "${environments[@]}"; do
    printf '%s\n' "${read_names[@]//\$ENV/$environment}"
done | sort)
given=$(sed -n 's/^\(\/[^=]*\)=.*/\1/p' parameters.env | sort)
missing=$(comm -23 <(echo "$wanted") <(echo "$given" | uniq))
unread=$(comm -13 <(echo "$wanted") <(echo "$given" | uniq))
twice=$(echo "$given" | uniq -d)
[ -z "$missing" ] || complain "read by a buildspec, not in parameters.env: ${missing//$'\n'/ }"
[ -z "$unread" ] || complain "in parameters.env, read by no buildspec: ${unread//$'\n'/ }"
[ -z "$twice" ] || complain "twice in parameters.env: ${twice//$'\n'/ }"

while IFS= read -r line; do
    value=${line#*=}
    value=${value#secure:}
    case $value in
    '') complain "no value: $line" ;;
    @*) [ -s "${value#@}" ] || complain "no such file: $line" ;;
    esac
done < <(grep '^/' parameters.env)

[ "$failed" = 0 ] || exit 1
echo "check_parameters: ${#read_names[@]} parameters in ${#environments[@]} environments"
