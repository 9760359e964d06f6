/* SPDX-License-Identifier: GPL-2.0-only */
/* vmic-bind: moves VMBus devices between hv_utils and uio_hv_generic, and back. */
#include <stdio.h>

int main(void)
{
	(void)fprintf(stderr, "vmic-bind: expected take or give-back\n");
	return 2;
}
