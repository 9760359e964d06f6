/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/words.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/terminal/text.h"

int words_say(int status, const char *format, ...)
{
	char text[2048], escaped[2 * sizeof(text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)fprintf(stderr, "vmicctl: %s\n", text_escape(text, escaped, sizeof(escaped)));
	return status;
}
