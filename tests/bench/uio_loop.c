/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The least that a process can do to answer heartbeats through uio_hv_generic: wait in read(), answer
 * each packet as it is, signal. No event loop, no checks, no versions but one. What vmicd takes more
 * than this is its own; what this takes more than hv_utils is the price of not being in the kernel.
 *	uio_loop /dev/uioN BYTES, those of its map 0
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv_util/ic_wire.h"
#include "hv_util/ring.h"

static void answer(uint8_t *message)
{
	static const uint8_t agreed[] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0 };

	message[IC_AT_FLAGS] = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
	if (message[IC_AT_TYPE] == IC_TYPE_NEGOTIATE) {
		memcpy(message + IC_BODY, agreed, sizeof(agreed));
		message[IC_AT_SIZE] = sizeof(agreed);
	} else {
		for (int i = IC_BODY; i < IC_BODY + 8 && ++message[i] == 0; i++)
			; /* the sequence number, one up */
	}
}

static void drain(int fd, struct ring_rx *rx, struct ring_tx *tx)
{
	uint8_t message[IC_PAYLOAD_MAX];
	const int32_t signal_host = 1;
	struct ring_packet p;

	while (ring_rx_get(rx, &p, message, sizeof(message)) == 1) {
		int room_made = ring_rx_commit(rx);

		answer(message);
		if (ring_tx_put(tx, &p, message, p.len) < 0)
			exit(1);
		if (ring_tx_commit(tx) > 0 || room_made > 0)
			(void)!write(fd, &signal_host, sizeof(signal_host));
	}
}

int main(int argc, char **argv)
{
	size_t size = argc == 3 ? strtoul(argv[2], NULL, 0) : 0;
	int fd = argc == 3 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	uint8_t *rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct ring_rx rx;
	struct ring_tx tx;
	int32_t count;

	if (fd < 0 || rings == MAP_FAILED || ring_tx_init(&tx, rings, size / 2) < 0 ||
	    ring_rx_init(&rx, rings + size / 2, size / 2) < 0)
		return perror("uio_loop"), 1;
	do {
		do {
			ring_rx_mask(&rx);
			drain(fd, &rx, &tx);
		} while (ring_rx_unmask(&rx) > 0);
	} while (read(fd, &count, sizeof(count)) == sizeof(count));
	return perror("uio_loop: read"), 1;
}
