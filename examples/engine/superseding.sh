#!/bin/bash
# SUPERSEDED mode: a release that waits in front of a stage is overtaken by a newer one.
. "$(dirname "$0")/lib.sh"
begin <<'YML'
name: shop
source: {repository: ../shop.git}
buildspec: buildspec.yml
environments:
  production: {approval: required}
YML
printf 'version: 0.2\nphases: {build: {commands: [echo deployed]}}\n' >"$work/shop/buildspec.yml"
commit "one"
apply

step "The first release asks a person; two more arrive behind it"
one=$(next 1)
asks "$one" Production-Approve
commit "two"
two=$(next 2)
in_front "$two" Production-Approve
commit "three"
three=$(next 3)
in_front "$three" Production-Approve
becomes "$two" Superseded

step "Why everything waits"
tl status

step "The first one goes on, then the newest"
tl approve
becomes "$one" Succeeded
asks "$three" Production-Approve
tl approve
becomes "$three" Succeeded
