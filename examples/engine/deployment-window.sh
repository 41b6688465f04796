#!/bin/bash
# A deployment window: outside of it a release waits in front of production, says why, and goes in when
# the window opens, or when a person overrides the condition.
. "$(dirname "$0")/lib.sh"
later=$(((10#$(date -u +%H) + 2) % 24))
begin <<YML
name: shop
source: {repository: ../shop.git}
buildspec: buildspec.yml
environments:
  development: {}
  production: {window: {cron: "0 * $later ? * *"}}
YML
printf 'version: 0.2\nphases: {build: {commands: [echo deployed]}}\n' >"$work/shop/buildspec.yml"
commit "one"
apply

step "Production's window opens in two hours"
one=$(next 1)
closed() { tl status --json | jq -e '.pipelines[0].stages[] | select(.name == "Production") | .why | test("is closed")'; }
until_true "the window keeps production closed" closed
tl status

step "A person cannot wait"
tl override Production
becomes "$one" Succeeded
