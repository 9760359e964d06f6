/* SPDX-License-Identifier: GPL-2.0-only */
/* In place of kvm/machine.c where processors are not x86-64: there are no machines, and who asks is told so. */
#include <errno.h>
#include <stdio.h>

#include "tests/host/kvm/machine.h"

int machine_check(char *sentence, size_t size)
{
	(void)snprintf(sentence, size, "a guest is booted on x86-64 computers only; everything else works here");
	return -EOPNOTSUPP;
}

int machine_new(const struct machine_options *options, struct machine **ret)
{
	char sentence[128];
	int r = machine_check(sentence, sizeof(sentence));

	(void)options;
	(void)ret;
	(void)fprintf(stderr, "vmichost: %s\n", sentence);
	return r;
}

int machine_start(struct machine *m)
{
	(void)m;
	return -EOPNOTSUPP;
}

struct machine *machine_free(struct machine *m)
{
	(void)m;
	return NULL;
}

const struct guest_memory *machine_memory(const struct machine *m)
{
	(void)m;
	return NULL;
}

int machine_news_fd(const struct machine *m)
{
	(void)m;
	return -1;
}

void machine_take_news(struct machine *m)
{
	(void)m;
}

enum machine_state machine_state(struct machine *m, char *sentence, size_t size)
{
	(void)m;
	if (sentence)
		(void)snprintf(sentence, size, "%s", "");
	return MACHINE_FAILED;
}

bool machine_take_message(struct machine *m, struct machine_message *ret)
{
	(void)m;
	(void)ret;
	return false;
}

void machine_serial_ready(struct machine *m)
{
	(void)m;
}

void machine_stop(struct machine *m)
{
	(void)m;
}

uint64_t machine_reference_time(const struct machine *m)
{
	(void)m;
	return 0;
}

int machine_listen(struct machine *m, uint32_t connection, int fd)
{
	(void)m;
	(void)connection;
	(void)fd;
	return -EOPNOTSUPP;
}

void machine_ignore(struct machine *m, uint32_t connection, int fd)
{
	(void)m;
	(void)connection;
	(void)fd;
}

int machine_post(struct machine *m, unsigned processor, const uint8_t *message, size_t len)
{
	(void)m;
	(void)processor;
	(void)message;
	(void)len;
	return -EOPNOTSUPP;
}

int machine_flag(struct machine *m, unsigned processor, uint32_t flag)
{
	(void)m;
	(void)processor;
	(void)flag;
	return -EOPNOTSUPP;
}
