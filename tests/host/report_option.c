/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/report_option.h"

#include <errno.h>
#include <string.h>

#include "tests/host/report_timing.h"

static int choice_check(const struct report_choice *choice)
{
	if (!choice->timing || choice->form == REPORT_TABLE)
		return 0;
	(void)fprintf(stderr, "vmichost: --timing: it goes with the table only, and --json always "
		      "has it\n");
	return -EINVAL;
}

static int take_form(const struct option_info *option, void *into, enum report_form form)
{
	struct report_choice *choice = (void *)((char *)into + option->offset);

	if (choice->form != REPORT_TABLE && choice->form != form) {
		(void)fprintf(stderr, "vmichost: --wmi, --json, --events: expected one of them\n");
		return -EINVAL;
	}
	choice->form = form;
	return choice_check(choice);
}

int report_take_timing(const struct option_info *option, const char *value, void *into)
{
	struct report_choice *choice = (void *)((char *)into + option->offset);

	(void)value;
	choice->timing = true;
	return choice_check(choice);
}

int report_take_wmi(const struct option_info *option, const char *value, void *into)
{
	(void)value;
	return take_form(option, into, REPORT_WMI);
}

int report_take_json(const struct option_info *option, const char *value, void *into)
{
	(void)value;
	return take_form(option, into, REPORT_JSON);
}

int report_take_events(const struct option_info *option, const char *value, void *into)
{
	(void)value;
	return take_form(option, into, REPORT_EVENTS);
}

int report_choice_print(const struct report_choice *choice, const struct release *release,
			const struct guest_facts *facts)
{
	struct terminal t = terminal_of(stdout);
	int r;

	if (choice->width)
		t.width = choice->width;
	r = report_print(choice->form, release, facts, &t);
	if (r == 0 && choice->timing) {
		report_print_timing(facts, &t);
		r = fflush(t.to) == 0 ? 0 : -EIO;
	}
	if (r < 0)
		(void)fprintf(stderr, "vmichost: the report could not be printed: %s\n",
			      strerror(-r));
	return r;
}
