#!/bin/sh
# demo.sh BUILD: a real program reaches what it was allowed, is refused what it was not, and both are
# in SQL. Everything is on loopback and in a directory that goes at the end.
set -eu
build=$1
state=$(mktemp -d)
python3 "$(dirname "$0")/network.py" > "$state/ports" &
network=$!
trap 'kill $network; rm -rf "$state"' EXIT
until test -s "$state/ports"; do kill -0 $network; sleep 0.1; done
read -r dns web < "$state/ports"
PATH=$PWD/$build/bin:$PATH
failed=

# step TEXT COMMAND…: says what comes, shows the command, runs it.
step() {
  printf '\n== %s\n' "$1"
  shift
  printf '$ %s\n' "$*"
  status=0
  "$@" 2>&1 || status=$?
}

# expect STATUS: what the last step has to end with for the demo to have shown anything.
expect() {
  echo "(exit status $status)"
  test "$status" = "$1" || failed="$failed; expected $1, got $status"
}

rule=shop.example.test:$web
run="namegate run --state-dir $state --upstream 127.0.0.1:$dns --gate preload --allow-private $rule --label demo --"

echo "A DNS server and a web server are up on this machine. A program may reach $rule, no more."

# shellcheck disable=SC2086
{
  step "What is allowed works, with no proxy and nothing configured in the program:" \
    $run curl -sS "http://shop.example.test:$web/"
  expect 0
  step "Another name is not resolved, and the message says what would allow it:" \
    $run curl -sS "http://tracker.example.test:$web/"
  expect 6
  step "Nor does an address work that no answer gave, even on the very same server:" \
    $run curl -sS "http://127.0.0.2:$web/"
  expect 7
}
step "Everything asked, with what was decided and why, is in the ledger before it takes effect:" \
  namegate audit --state-dir "$state" sql \
  "SELECT session, qname, qtype, verdict, reason, rule FROM queries WHERE qtype = 'A' ORDER BY id"
expect 0
step "So is every connection, with the answer that admitted it:" \
  namegate audit --state-dir "$state" sql \
  "SELECT c.session, c.process, c.address, c.port, c.verdict, c.reason, a.owner, a.data
   FROM connections AS c LEFT JOIN queries AS q ON q.id = c.query_id
   LEFT JOIN answers AS a ON a.answer_id = q.answer_id ORDER BY c.id"
expect 0
step "And what was denied, with the rule that would allow it:" \
  namegate audit --state-dir "$state" sql \
  "SELECT session, kind, what, reason, remedy FROM denials ORDER BY time"
expect 0

test -z "$failed" || { echo "the demo went wrong$failed"; exit 1; }
