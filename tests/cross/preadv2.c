/* SPDX-License-Identifier: GPL-2.0-only */
/* For programs under qemu-user, which does not have the system call: it is loaded before the C library. */
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>

/* All that vmicd asks of it: what is there now, from a descriptor without positions. */
ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (offset != -1 || flags != RWF_NOWAIT) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (poll(&p, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return readv(fd, iov, n);
}
