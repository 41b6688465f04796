#!/bin/bash
# Step 10: every log group of the target account is kept for RETENTION_DAYS, whoever made it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need RETENTION_DAYS

# The CLI follows the pages; names come back one JSON document at a time.
groups=$(aws logs describe-log-groups --page-size 50 --output json)
mapfile -t change < <(jq -r --argjson days "$RETENTION_DAYS" \
    '.logGroups[] | select(.retentionInDays != $days) | .logGroupName' <<<"$groups")
if [ ${#change[@]} -gt 0 ]; then
    printf '%s\0' "${change[@]}" | xargs -0 -P 4 -I '{}' \
        aws logs put-retention-policy --log-group-name '{}' --retention-in-days "$RETENTION_DAYS"
    printf '  %s\n' "${change[@]}"
fi
say "$(jq '.logGroups | length' <<<"$groups") log groups, ${#change[@]} set to" \
    "$RETENTION_DAYS days"
