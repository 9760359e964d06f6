#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# install.sh install|uninstall DESTDIR MODE,SOURCE,TARGET...: puts the sources at DESTDIR/TARGET, or takes the targets
# away and the directories that are empty then. A configuration that somebody has changed stays, whichever is done: the
# new sample then lies beside it as vmicd.conf.new.
set -eu

verb=$1
destdir=$2
shift 2

# Whether the target is a configuration file that is not the sample.
is_changed() {
	case $2 in
	*/vmicd.conf) [ -e "$destdir$2" ] && ! cmp -s "$1" "$destdir$2" ;;
	*) return 1 ;;
	esac
}

# A directory of ours, and of ours alone; the next one up at most to where others' begin.
remove_empty() {
	case $1 in
	*/vmicd | */vmicd/examples | *.service.d) rmdir "$destdir$1" 2>/dev/null && remove_empty "${1%/*}" ;;
	esac
	return 0
}

for entry; do
	mode=${entry%%,*}
	rest=${entry#*,}
	source=${rest%%,*}
	target=${rest#*,}
	case $verb in
	install)
		place=$target
		if is_changed "$source" "$target"; then place=$target.new; fi
		mkdir -p "$destdir${target%/*}"
		install -m "$mode" "$source" "$destdir$place"
		;;
	uninstall)
		rm -f "$destdir$target.new"
		is_changed "$source" "$target" || rm -f "$destdir$target"
		remove_empty "${target%/*}"
		;;
	esac
done
