#!/usr/bin/env bash
# The harness itself: a script killed with -9 leaves nothing, and its own checks can fail.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

me=$root/tests/e2e/lib.sh

# A test that makes one of everything and then waits to be killed.
cat >/run/t/victim.t <<VICTIM
. $me
pair 2
mkdir /sys/fs/bpf/left
mkdir /run/left
touch /dev/shm/left
start sleeper a sleep 7654
echo everything is there
wait
VICTIM

victim_is_up() { grep -q 'everything is there' victim.out; }
no_sleeper() { ! pgrep -f 'sleep 7654'; }
links() { ip -j link | jq length; }

links=$(links)
env -u XSKIT_E2E bash victim.t >victim.out 2>&1 &
victim=$!
check 'a test script comes up in a room of its own' until_ok 10 victim_is_up
check 'its processes can be seen from outside' pgrep -f 'sleep 7654'
kill -KILL $victim
wait $victim 2>/dev/null
check 'kill -9 of the script leaves no process' until_ok 5 no_sleeper
is 'no network namespace' "$(ip netns)" ''
is 'no link' "$(links)" "$links"
check 'no pin' test ! -e /sys/fs/bpf/left
check 'no file in /run' test ! -e /run/left
check 'no shared memory' test ! -e /dev/shm/left

# A script over its limit dies, and says so.
cat >/run/t/slow.t <<SLOW
limit=1
. $me
sleep 7655
SLOW
env -u XSKIT_E2E bash slow.t >slow.out 2>&1
check 'a script over its time limit is killed' test $? -ne 0
check 'and says so' grep -q 'sending signal KILL' slow.out

# What fails is told as failed.
cat >/run/t/fails.t <<FAILS
. $me
pair 1
is 'unequal' 1 2
check 'false' false
run 0 a false
run 1 a sh -c 'echo one >&2; echo two >&2; exit 1'
one_line 'two lines' two
echo '{"type":"summary","umem":{"lost":1}}' >x.out
touch x.err
sound x
done_testing
FAILS
env -u XSKIT_E2E bash fails.t >fails.out 2>&1
check 'a failed test gives a failed script' test $? -eq 1
is 'each wrong thing is not ok' "$(grep -c '^not ok' fails.out)" 8
is 'what is right is ok' "$(grep -c '^ok' fails.out)" 1
done_testing
