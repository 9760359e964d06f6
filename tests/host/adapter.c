/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/adapter.h"

#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct sockaddr_ll *address_of(const struct ifaddrs *i)
{
	static const uint8_t none[6];
	const struct sockaddr_ll *a = (const struct sockaddr_ll *)(const void *)i->ifa_addr;

	if (!a || a->sll_family != AF_PACKET || i->ifa_flags & IFF_LOOPBACK ||
	    a->sll_halen != sizeof(none) || memcmp(a->sll_addr, none, sizeof(none)) == 0)
		return NULL;
	return a;
}

int adapter_first(char ret[static ADAPTER_TEXT_SIZE])
{
	const struct sockaddr_ll *found = NULL;
	struct ifaddrs *all;
	bool up = false;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i && !up; i = i->ifa_next) {
		const struct sockaddr_ll *a = address_of(i);

		up = a && i->ifa_flags & IFF_UP;
		if (a && (up || !found))
			found = a;
	}
	if (found)
		(void)snprintf(ret, ADAPTER_TEXT_SIZE, "%02X:%02X:%02X:%02X:%02X:%02X",
			       found->sll_addr[0], found->sll_addr[1], found->sll_addr[2],
			       found->sll_addr[3], found->sll_addr[4], found->sll_addr[5]);
	freeifaddrs(all);
	return found ? 0 : -ENODEV;
}

bool adapter_text_is_good(const char *text)
{
	if (strlen(text) != ADAPTER_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < ADAPTER_TEXT_SIZE - 1; i++)
		if (i % 3 == 2 ? text[i] != text[2] || !strchr(":-", text[i]) :
				 !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}
