#!/bin/sh
# enclave_bench.sh BUILD [ROUNDS]: what a command pays for its network, in the enclave and beside it:
# bare, in bubblewrap (which shares the host's network), by a plain forward proxy (tinyproxy), and
# behind pasta, a user-space network. One client, one server, one run, a network namespace of its
# own; medians over the rounds. All share the machine's cores, so ratios mean more
# than figures; on a machine that is busy with other things: chrt --rr 1 make bench.
set -eu
if test "${NAMEGATE_BENCH_INSIDE:-}" != 1; then
  users=
  test "$(id -u)" = 0 || users=--map-root-user
  export NAMEGATE_BENCH_INSIDE=1
  exec unshare --net $users sh "$0" "$@"
fi
build=$1
rounds=${2:-3}
work=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT
PATH=$PWD/$build/bin:$PATH
bench=$PWD/$build/bin/network_bench
server=203.0.113.1

# More connections a minute to one server than there are ports, which TIME-WAIT would keep: without
# these the kernel ends up searching for one for milliseconds, in whichever world comes then.
echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range
echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse

# A host with one address and a way out, as pasta wants one to copy.
ip link set lo up
ip address add $server/32 dev lo
ip link add uplink type veth peer name downlink
ip address add 192.0.2.2/24 dev uplink
ip link set downlink up
ip link set uplink up
ip route add default via 192.0.2.1 dev uplink

"$bench" serve $server > "$work/port" &
pids="$pids $!"
until test -s "$work/port"; do sleep 0.1; done
port=$(cat "$work/port")

printf 'Port 8888\nListen 127.0.0.1\nMaxClients 2000\nTimeout 60\nLogLevel Critical\n' > "$work/proxy.conf"
tinyproxy -d -c "$work/proxy.conf" > /dev/null 2>&1 &
pids="$pids $!"
until PROXY=127.0.0.1:8888 "$bench" connect $server "$port" > /dev/null 2>&1; do sleep 0.1; done

printf 'version = 1\n' > "$work/namegate.toml"
namegated --state-dir "$work/state" --config "$work/namegate.toml" --upstream 127.0.0.1:9 \
  --ready-fd 3 3> "$work/ready" 2> "$work/namegated.log" &
pids="$pids $!"
until test -s "$work/ready"; do sleep 0.1; done

# Root would have pasta drop to another user, who may do nothing here.
as_root=
test "$(id -u)" != 0 || as_root='--runas 0 --netns-only'

# in_WORLD COMMAND...: runs it there.
in_bare() { "$@"; }
in_bubblewrap() { bwrap --dev-bind / / --unshare-user --unshare-pid "$@"; }
in_proxy() { PROXY=127.0.0.1:8888 "$@"; }
in_pasta() { pasta --config-net --quiet $as_root -- "$@"; }
in_namegate() {
  namegate run --quiet --state-dir "$work/state" --allow "$server:$port" -- "$@"
}
# What starts a command there, as words; nothing where it is started as always.
start_words() {
  case $1 in
    bubblewrap) echo bwrap --dev-bind / / --unshare-user --unshare-pid ;;
    pasta) echo pasta --config-net --quiet $as_root -- ;;
    namegate) echo namegate run --quiet --state-dir "$work/state" --allow "$server:$port" -- ;;
  esac
}
worlds='bare bubblewrap proxy pasta namegate'

# keep WORLD MEASURE VALUE: nothing of what failed, which stderr tells
keep() { test -z "$3" || echo "$3" >> "$work/$2.$1"; }
round=0
while test $round -lt "$rounds"; do
  for world in $worlds; do
    keep $world start "$("$bench" start $(start_words $world) true)"
    connects=$(in_$world "$bench" connect $server "$port")
    keep $world connect "${connects% *}"
    keep $world first "${connects#* }"
    for measure in upload download many; do
      keep $world $measure "$(in_$world "$bench" $measure $server "$port")"
    done
  done
  round=$((round + 1))
done

# median WORLD MEASURE
median() {
  sort -n "$work/$2.$1" 2>/dev/null | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "-" }'
}
row() {
  printf '%-30s' "$1"
  for world in $worlds; do printf ' %11s' "$(median $world "$2")"; done
  printf '\n'
}
printf '\n%-30s' 'one network'
for world in $worlds; do printf ' %11s' $world; done
printf '\n'
row 'start of true, ms' start
row 'connect(), us' connect
row 'and the first octet, us' first
row '1,000 at once, ms' many
row 'upload, MB/s' upload
row 'download, MB/s' download

# ratio MEASURE WORLD: namegate's figure over that world's.
ratio() {
  echo "$(median namegate "$1") $(median "$2" "$1")" | awk '{ printf(($2 > 0 ? "%.2f" : "-"), $1 / ($2 + !$2)) }'
}
printf '%-30s %s x bare, %s x proxy, %s x pasta\n' 'namegate, upload' \
  "$(ratio upload bare)" "$(ratio upload proxy)" "$(ratio upload pasta)"
printf '%-30s %s x bare, %s x proxy, %s x pasta\n' 'namegate, download' \
  "$(ratio download bare)" "$(ratio download proxy)" "$(ratio download pasta)"
printf '%-30s %s us at the median\n' 'namegate adds to connect()' \
  "$(echo "$(median namegate connect) $(median bare connect)" | awk '{ printf "%.0f", $1 - $2 }')"
