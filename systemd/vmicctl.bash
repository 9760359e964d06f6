# SPDX-License-Identifier: GPL-2.0-only
# Completion of vmicctl(1) for bash.

# What vmicd on this machine knows; another one is not asked while somebody types.
_vmicctl_profiles() {
	vmicctl --no-legend --timeout=1 profile 2>/dev/null | cut -c3- | cut -d' ' -f1
}

# Keys of a pool; those that JSON has to write in another way are left out.
_vmicctl_keys() {
	vmicctl --json --timeout=1 --pool="$1" kvp list 2>/dev/null | sed -n 's/^      "Key": "\([^\\]*\)",$/\1/p'
}

_vmicctl() {
	local options='--host= --machine= --json --release= --pool= --full --no-legend --no-block
		--no-ask-password --timeout= --help --version'
	local releases='2008 2008r2 2012 2012r2 win10-1511 2016 2019 2022 2025 openvmm'
	local pools='external guest auto auto-external all'
	local cur=${COMP_WORDS[COMP_CWORD]} before='' words=() pool=guest candidates='' i w restore=$-

	# "--pool=guest" comes as three words.
	[[ $cur == = ]] && cur=''
	for ((i = 1; i < COMP_CWORD; i++)); do
		w=${COMP_WORDS[i]}
		case $w in
		=) ;;
		--host | --machine | --release | --pool | --timeout | -H | -M | -r | -p)
			before=$w
			((++i))
			[[ ${COMP_WORDS[i]} == = ]] && ((++i))
			((i < COMP_CWORD)) && {
				[[ $w == --pool || $w == -p ]] && pool=${COMP_WORDS[i]}
				before=''
			}
			;;
		-*) ;;
		*) words+=("$w") ;;
		esac
	done

	local IFS=$' \t\n'
	case $before in
	--host | -H) candidates=$(compgen -A hostname -- "${cur##*@}") ;;
	--machine | -M) candidates=$(machinectl list --no-legend 2>/dev/null | cut -d' ' -f1) ;;
	--release | -r) candidates=$releases ;;
	--pool | -p) candidates=$pools ;;
	--timeout) ;;
	*)
		case "${words[*]}" in
		'') candidates='status versions profile renegotiate kvp health events reload' ;;
		profile) candidates=$(_vmicctl_profiles) ;;
		renegotiate) candidates='heartbeat kvp shutdown timesync' ;;
		kvp) candidates='get set delete list watch' ;;
		'kvp get' | 'kvp set' | 'kvp delete')
			candidates=$(_vmicctl_keys "$pool")
			IFS=$'\n'
			;;
		health) candidates='healthy critical unknown stopped' ;;
		esac
		[[ $cur == -* ]] && candidates=$options
		;;
	esac

	# Not compgen -W, which expands what it is given: a key may be "$(reboot)".
	COMPREPLY=()
	set -f
	for w in $candidates; do
		[[ $w == *= ]] || printf -v w %q "$w"
		[[ $w == "$cur"* ]] && COMPREPLY+=("$w")
	done
	[[ $restore == *f* ]] || set +f
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
	return 0
}

complete -F _vmicctl vmicctl
