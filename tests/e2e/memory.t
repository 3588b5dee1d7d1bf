#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What a queue costs, and that a run at full rate costs no more after a while than at its start.
limit=150
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${XSKIT_MEMORY_SECONDS:-10}
pair 2

# rss NAME: resident kilobytes, shared memory (the UMEM) included
rss() { awk '/^VmRSS/ {print $2}' "/proc/${pid[$1]}/status"; }

start one a "$XSKIT" rx va -q 0 -j --poll wait
ready one
one=$(rss one)
stop one
start two a "$XSKIT" rx va -q 0,1 -j --poll wait
ready two
two=$(rss two)
stop two
echo "# one queue $one kB, two queues $two kB"
if [ "$slow" = 1 ]; then
	check 'a queue takes at most 8 MB' test $((two - one)) -le 8192
	check 'and more than nothing' test $((two - one)) -gt 1024
fi

start rx a "$XSKIT" rx va -q 0 -j
ready rx
start gen b "$XSKIT" gen vb --engine kernel -q 0 -j -d $((seconds + 2))
ready gen
sleep 1
before=$(rss rx)
sleep "$seconds"
after=$(rss rx)
stop gen
stop rx
sound rx
echo "# resident at full rate: $before kB, after $seconds s $after kB"
check 'resident memory is flat' test $((after - before)) -le $((64 * slow * slow))
summary rx 'and it did receive' ".packets > 100000"
done_testing
