#!/bin/sh
# fuzz.sh BUILD SECONDS [NAME...]: fuzzes the named targets of BUILD, or all, for SECONDS each,
# starting from the seeds in tests/fuzz/corpus. New inputs gather in BUILD/corpus; one that breaks a
# promise is left in BUILD/findings, to be fixed and added to the seeds.
set -eu
build=$1
seconds=$2
shift 2
here=$(dirname "$0")
mkdir -p "$build/findings" "$build/fuzz-logs"
failed=
if [ $# -eq 0 ]; then
  for target in "$build"/bin/*_fuzz; do set -- "$@" "$(basename "$target" _fuzz)"; done
fi
for name in "$@"; do
  target=$build/bin/${name}_fuzz
  mkdir -p "$build/corpus/$name"
  log=$build/fuzz-logs/$name.txt
  status=ok
  "$target" -max_total_time="$seconds" -max_len=16500 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$name-" "$build/corpus/$name" "$here/corpus/$name" \
    >"$log" 2>&1 || { status=FAILED; failed="$failed $name"; }
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  # Edges of the instrumented code that were reached.
  edges=$(sed -n 's/^.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-16s %-7s %12s executions, %6s edges, in %s s\n' \
    "$name" "$status" "${executions:-?}" "${edges:-?}" "$seconds"
  test "$status" = ok || tail -n 25 "$log"
done
test -z "$failed" || { echo "broken promises:$failed (inputs in $build/findings)"; exit 1; }
