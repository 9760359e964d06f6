/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/status.h"

#include <errno.h>

#include "hv_util/base.h"

static const struct {
	int error;
	enum hv_status status;
} table[] = {
	{ 0, HV_STATUS_OK },
	{ EPERM, HV_STATUS_DENIED },
	{ ENOENT, HV_STATUS_NOT_FOUND },
	{ ENODATA, HV_STATUS_NO_MORE_ITEMS },
	{ EOPNOTSUPP, HV_STATUS_NOT_SUPPORTED },
	{ EEXIST, HV_STATUS_EXISTS },
	{ ENOSPC, HV_STATUS_DISK_FULL },
	{ EINVAL, HV_STATUS_INVALID },
	{ EBADMSG, HV_STATUS_INVALID },
	{ E2BIG, HV_STATUS_INVALID },
	{ EILSEQ, HV_STATUS_INVALID },
	{ ENOTCONN, HV_STATUS_NOT_CONNECTED },
};

uint32_t hv_status(int r)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].error == -r)
			return table[i].status;
	return HV_STATUS_FAIL;
}
