#!/bin/bash
# CloudFormation itself reads every template; nothing is created.
set -euo pipefail
cd "$(dirname "$0")/.."

for template in cloudformation/*.yml; do
    aws cloudformation validate-template --template-body "file://$template" >/dev/null
    echo "$template: valid"
done
