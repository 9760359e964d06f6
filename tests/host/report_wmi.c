/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/report_wmi.h"

#include <ctype.h>
#include <string.h>

#include "daemon/terminal/text.h"
#include "tests/host/report.h"

/* CIM_EnabledLogicalElement */
#define ENABLED_STATE_ENABLED 2
#define ENABLED_STATE_DISABLED 3
#define HEALTH_STATE_OK 5

/* Msvm_SummaryInformation.IntegrationServicesVersionState */
static const struct {
	const char *shown;
	unsigned state;
} version_states[] = { { "", 0 }, { "Up to date", 1 }, { "Update required", 2 } };

static void print_property(const struct terminal *t, const char *name, const char *value)
{
	char lead[64];

	(void)snprintf(lead, sizeof(lead), "%-31s : ", name);
	terminal_paragraph(t, COLOUR_PLAIN, lead, value);
}

static void print_number(const struct terminal *t, const char *name, unsigned n)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", n);
	print_property(t, name, text);
}

/* Ids are upper case in WMI, whatever the settings say. */
static void vm_id_upper(const struct guest_facts *facts, char out[static 64])
{
	char *p = out;

	(void)text_escape(facts->vm_id, out, 64);
	for (; *p; p++)
		*p = (char)toupper((unsigned char)*p);
}

static void print_status(const struct terminal *t, const struct verdict *v)
{
	char numbers[64] = "{", texts[512] = "{";

	for (unsigned i = 0; i < v->n_status; i++) {
		size_t n = strlen(numbers), m = strlen(texts);

		(void)snprintf(numbers + n, sizeof(numbers) - n, "%s%u", i ? ", " : "",
			       v->status[i]);
		(void)snprintf(texts + m, sizeof(texts) - m, "%s%s", i ? ", " : "",
			       judge_status_text(v->status[i]));
	}
	(void)strncat(numbers, "}", sizeof(numbers) - strlen(numbers) - 1);
	(void)strncat(numbers, report_mark(v->certainty), sizeof(numbers) - strlen(numbers) - 1);
	(void)strncat(texts, "}", sizeof(texts) - strlen(texts) - 1);
	print_property(t, "OperationalStatus", numbers);
	print_property(t, "StatusDescriptions", texts);
}

/* On a host each is an XML document of Msvm_KvpExchangeDataItem; here its two properties. */
static void print_intrinsic(const struct terminal *t, const struct guest_facts *facts)
{
	for (unsigned i = 0; i < facts->n_intrinsic; i++) {
		char key[1024], value[4096], item[sizeof(key) + sizeof(value) + 8];

		(void)text_escape(facts->intrinsic[i].key, key, sizeof(key));
		(void)text_escape(facts->intrinsic[i].value, value, sizeof(value));
		(void)snprintf(item, sizeof(item), "%s = %s", key, value);
		print_property(t, i ? "" : "GuestIntrinsicExchangeItems", item);
	}
}

/* Returns how certain it is. */
static enum certainty print_component(const struct terminal *t, const struct release *release,
				      const struct guest_facts *facts, enum component c,
				      const char *vm_id)
{
	const struct component_info *info = &component_table[c];
	char device_id[192];
	struct verdict v;

	judge_component(release, facts, c, &v);
	if (v.result == RESULT_ABSENT)
		return CERTAIN;
	(void)snprintf(device_id, sizeof(device_id), "Microsoft:%s\\%s", vm_id, info->id);
	terminal_text(t, report_colour(v.result), info->wmi_class);
	(void)fputc('\n', t->to);
	print_property(t, "SystemName", vm_id);
	print_property(t, "DeviceID", device_id);
	print_property(t, "ElementName", info->name);
	print_number(t, "EnabledState", facts->component[c].enabled ? ENABLED_STATE_ENABLED :
								      ENABLED_STATE_DISABLED);
	print_number(t, "HealthState", HEALTH_STATE_OK);
	print_status(t, &v);
	if (c == COMPONENT_KVP)
		print_intrinsic(t, facts);
	(void)fputc('\n', t->to);
	return v.n_status ? v.certainty : CERTAIN;
}

static enum certainty print_summary(const struct terminal *t, const struct release *release,
				    const struct guest_facts *facts, const char *vm_id)
{
	struct judged_value state = judge_integration_state(release, facts);
	char vm_name[256];
	struct verdict v;

	judge_component(release, facts, COMPONENT_HEARTBEAT, &v);
	terminal_text(t, COLOUR_BOLD, "Msvm_SummaryInformation");
	(void)fputc('\n', t->to);
	print_property(t, "Name", vm_id);
	print_property(t, "ElementName", text_escape(facts->vm_name, vm_name, sizeof(vm_name)));
	if (v.n_status)
		print_number(t, "Heartbeat",
			     v.result == RESULT_DISABLED ? WMI_DISABLED : v.status[0]);
	for (size_t i = 0; i < ARRAY_LEN(version_states); i++) {
		char text[16];

		if (strcmp(version_states[i].shown, state.value) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%u%s", version_states[i].state,
			       report_mark(state.certainty));
		print_property(t, "IntegrationServicesVersionState", text);
	}
	return state.certainty;
}

int report_print_wmi(const struct release *release, const struct guest_facts *facts,
		     const struct terminal *t)
{
	enum certainty weakest = CERTAIN;
	char vm_id[64];

	vm_id_upper(facts, vm_id);
	for (enum component c = 0; c < COMPONENT_MAX; c++)
		weakest = certainty_weaker(weakest, print_component(t, release, facts, c, vm_id));
	weakest = certainty_weaker(weakest, print_summary(t, release, facts, vm_id));
	report_print_marks(t, weakest);
	return 0;
}
