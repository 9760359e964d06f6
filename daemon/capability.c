/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/capability.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux proc_ns.h PROC_USER_INIT_INO: the number of the first user name space, on every machine. */
#define INITIAL_USER_NAMESPACE 0xeffffffdu

static bool is_in_initial_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) < 0 || st.st_ino == INITIAL_USER_NAMESPACE;
}

bool capability_is_effective(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability) && is_in_initial_namespace();
}
