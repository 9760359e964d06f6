# SPDX-License-Identifier: GPL-2.0-only
# The package is installed, and there is no Hyper-V: nothing fails, nothing waits.

[ ! -e /sys/bus/vmbus ] || fail "there is a VMBus"
[ -z "$(systemctl list-jobs --no-legend)" ] || fail "the boot waits: $(systemctl list-jobs --no-legend)"
[ -z "$(systemctl list-units --failed --no-legend 'vmic*')" ] || fail "a unit has failed"
expect_state inactive vmicd.service vmic-bind.service vmic-bind-follow.service
systemctl is-enabled vmicd.service >/dev/null || fail "it is not enabled"
# By hand it is skipped, which is no failure either.
systemctl start vmicd.service || fail "start ended with $?"
expect_state inactive vmicd.service vmic-bind.service
unit vmicd.service ConditionResult
[ "$value" = no ] || fail "its condition is met"
say "nothing is there, and nothing has failed"
