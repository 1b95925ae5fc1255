#!/bin/sh
# bench.sh BUILD [SECONDS]: cached answers per second and server CPU per query, with the ledger on,
# beside dnsmasq with query logging in the same run; what the preload gate adds to connect(); and
# the enclave (enclave_bench.sh).
# Load generator and server share the machine's cores: ratios mean more than figures.
set -eu
build=$1
seconds=${2:-5}
here=$(dirname "$0")
work=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT
PATH=$PWD/$build/bin:$PATH

# The upstream of both: every name is 127.0.0.1. Asked once a name, as all else comes from caches.
python3 "$here/../demo/network.py" > "$work/ports" &
pids="$pids $!"
until test -s "$work/ports"; do sleep 0.1; done
read -r dns web < "$work/ports"

i=0
while test $i -lt 200; do echo "host$i.bench.example A"; i=$((i + 1)); done > "$work/queries"

# cpu PID: the process's user and system time in clock ticks (proc(5): fields 14 and 15).
cpu() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# measure NAME PID ADDRESS PORT: one line of the table; a short run first fills the cache.
measure() {
  dnsperf -s "$3" -p "$4" -d "$work/queries" -n 5 -c 4 > /dev/null 2>&1
  before=$(cpu "$2")
  dnsperf -s "$3" -p "$4" -d "$work/queries" -l "$seconds" -c 4 -q 200 > "$work/dnsperf.txt" 2>&1
  after=$(cpu "$2")
  awk -v name="$1" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v out="$work/$1" '
    /Queries completed/ { done = $3 } /Queries lost/ { lost = $3 } /Queries per second/ { qps = $4 }
    END { cpu = done ? ticks / hz * 1e6 / done : 0
          printf "%-34s %10.0f %14.2f %8d\n", name, qps, cpu, lost; print qps, cpu > out }
  ' "$work/dnsperf.txt"
}

# A session is limited to far less than a load generator asks; here the daemon is to be measured.
printf 'version = 1\nsession_queries_per_s = 0\n' > "$work/namegate.toml"
namegated --state-dir "$work/state" --config "$work/namegate.toml" --upstream "127.0.0.1:$dns" --ready-fd 3 3> "$work/ready" \
  2> "$work/namegated.log" &
daemon=$!
pids="$pids $daemon"
until test -s "$work/ready"; do kill -0 $daemon; sleep 0.1; done
nameserver=$(namegate session --state-dir "$work/state" open --json --listen 127.45.67.89:15353 \
  --allow-private '*.bench.example:443' | sed 's/.*"nameserver": *"\([^"]*\)".*/\1/;t;d')

dnsmasq --keep-in-foreground --conf-file=/dev/null --port=15354 --listen-address=127.45.67.90 \
  --bind-interfaces --no-resolv --no-hosts --server="127.0.0.1#$dns" --cache-size=10000 \
  --log-queries=extra --log-facility="$work/dnsmasq.log" --user=root --pid-file= &
mask=$!
pids="$pids $mask"
sleep 0.5

printf '%-34s %10s %14s %8s\n' 'cached answers' 'queries/s' 'CPU us/query' 'lost'
measure 'namegated, ledger on' $daemon "${nameserver%:*}" "${nameserver##*:}"
measure 'dnsmasq, log-queries=extra' $mask 127.45.67.90 15354
paste -d' ' "$work/namegated, ledger on" "$work/dnsmasq, log-queries=extra" |
  awk '{ printf "%-34s %9.2fx %13.2fx\n", "namegated / dnsmasq", $1 / $3, $2 / $4 }'
rows=$(namegate audit --state-dir "$work/state" sql 'SELECT count(*) FROM queries' | tail -n 1)
echo "rows in the ledger: $rows, $(($(stat -c %s "$work/state/ledger.db") / rows)) bytes each"

printf '\n%-34s %10s %14s\n' 'connect() over loopback' 'median us' '99th pct us'
plain=$(connect_bench)
gated=$(namegate run --state-dir "$work/state" --gate preload --allow 127.0.0.1:1024-65535 \
  -- "$PWD/$build/bin/connect_bench")
echo "$plain $gated" | awk '{
  printf "%-34s %10.1f %14.1f\n%-34s %10.1f %14.1f\n%-34s %10.1f %14.1f\n",
    "plain", $1, $2, "through the preload gate", $3, $4, "added, row committed first", $3 - $1, $4 - $2 }'

"$here/enclave_bench.sh" "$build"
