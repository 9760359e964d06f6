/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/report_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/terminal/text.h"
#include "tests/host/release_json.h"

/* Changes when a reader of the old form would misunderstand the new one. */
#define REPORT_FORMAT "vmichost-report-1"

/* OperationalStatus and StatusDescriptions: parallel arrays, empty when the VM is off. */
static json_t *verdict_json(const struct verdict *v)
{
	json_t *status = json_array(), *texts = json_array();

	for (unsigned i = 0; i < v->n_status; i++)
		if (json_array_append_new(status, json_integer(v->status[i])) < 0 ||
		    json_array_append_new(texts, json_string(judge_status_text(v->status[i]))) < 0)
			break;
	/* o and s take what is NULL as a failure, and free the rest */
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s}",
			 "result", judge_result_name(v->result),
			 "operational_status", status, "status_descriptions", texts,
			 "certainty", certainty_name(v->certainty),
			 "secondary_certainty", certainty_name(v->second_certainty),
			 "why", v->why);
}

static json_t *event_json(const struct release *release, const struct guest_facts *facts,
			  enum component c)
{
	struct host_event event;
	char text[sizeof(event.text)];

	if (judge_event(release, facts, c, &event) == 0)
		return json_null();
	return json_pack("{s:o, s:s, s:s, s:s}",
			 "id", event.id ? json_integer(event.id) : json_null(),
			 "source", event.source,
			 "text", text_repair(event.text, text, sizeof(text)),
			 "certainty", certainty_name(event.certainty));
}

/* What follows, a component: these names and no others, which reading has to know. */
static const char *const component_derived[] = { "component", "name",  "id", "expected",
						 "verdict",   "event", NULL };

static int add_component(json_t *object, const struct release *release,
			 const struct guest_facts *facts, enum component c)
{
	struct verdict v;

	judge_component(release, facts, c, &v);
	if (json_object_set_new(object, "id", json_string(component_table[c].id)) < 0 ||
	    json_object_set_new(object, "expected",
				release_expected_to_json(&release->component[c])) < 0 ||
	    json_object_set_new(object, "verdict", verdict_json(&v)) < 0 ||
	    json_object_set_new(object, "event", event_json(release, facts, c)) < 0)
		return -ENOMEM;
	return 0;
}

/* Get-VM's view of the whole. */
static json_t *get_vm_json(const struct release *release, const struct guest_facts *facts)
{
	struct judged_value heartbeat = judge_heartbeat(release, facts);
	struct judged_value state = judge_integration_state(release, facts);
	char version[4096];

	return json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:s}",
			 "heartbeat", "value", heartbeat.value,
			 "certainty", certainty_name(heartbeat.certainty),
			 "integration_services_state", "value", state.value,
			 "certainty", certainty_name(state.certainty),
			 "integration_services_version",
			 text_repair(judge_integration_version(facts), version, sizeof(version)));
}

static int document_fill(json_t *document, const struct release *release,
			 const struct guest_facts *facts)
{
	json_t *components;

	if (json_object_set_new(document, "format", json_string(REPORT_FORMAT)) < 0 ||
	    json_object_set_new(document, "release", release_to_json(release)) < 0 ||
	    facts_to_json(facts, document) < 0 ||
	    json_object_set_new(document, "get_vm", get_vm_json(release, facts)) < 0)
		return -ENOMEM;

	components = json_object_get(document, "components");
	for (enum component c = 0; c < COMPONENT_MAX; c++)
		if (add_component(json_array_get(components, c), release, facts, c) < 0)
			return -ENOMEM;
	return 0;
}

json_t *report_to_json(const struct release *release, const struct guest_facts *facts)
{
	json_t *document = json_object();

	if (document_fill(document, release, facts) < 0) {
		json_decref(document);
		return NULL;
	}
	return document;
}

int report_print_json(const struct release *release, const struct guest_facts *facts,
		      const struct terminal *t)
{
	json_t *document = report_to_json(release, facts);
	int r;

	if (!document)
		return -ENOMEM;
	r = json_dumpf(document, t->to, JSON_INDENT(2));
	json_decref(document);
	if (r < 0 || fputc('\n', t->to) == EOF)
		return -EIO;
	return 0;
}

static int document_check(const json_t *document, const struct release **ret,
			  struct json_refusal *refusal)
{
	static const char *const members[] = { "format",     "release",   "vm",
					       "components", "intrinsic", "get_vm" };
	const char *format = json_string_value(json_object_get(document, "format"));
	const char *key = json_string_value(json_object_get(json_object_get(document, "release"),
							    "key"));
	char escaped[64];
	const char *name;
	json_t *value;

	if (!format || strcmp(format, REPORT_FORMAT) != 0)
		return json_refuse(refusal, "is not a report: \"format\" is not \"" REPORT_FORMAT
					    "\"");
	json_object_foreach((json_t *)document, name, value) {
		size_t i = 0;

		while (i < ARRAY_LEN(members) && strcmp(members[i], name) != 0)
			i++;
		if (i == ARRAY_LEN(members))
			return json_refuse(refusal, "unknown member \"%s\"",
					   text_escape(name, escaped, sizeof(escaped)));
	}
	*ret = key ? release_find(key) : NULL;
	if (*ret)
		return 0;
	(void)snprintf(refusal->path, sizeof(refusal->path), "release.key");
	return json_refuse(refusal, "expected a release that \"vmichost releases\" lists");
}

static void free_json(json_t **json)
{
	json_decref(*json);
}

int report_read_json(FILE *from, const char *name, const struct release **ret_release,
		     struct guest_facts *ret_facts, char *error, size_t error_size)
{
	struct json_refusal refusal = { .path = "" };
	_cleanup_(free_json) json_t *document = NULL;
	const struct release *release;
	json_error_t bad;
	int r;

	document = json_loadf(from, JSON_REJECT_DUPLICATES, &bad);
	if (!document) {
		char text[2 * sizeof(bad.text)]; /* it quotes the file */

		(void)snprintf(error, error_size, "%s:%d:%d: %s", name, bad.line, bad.column,
			       text_escape(bad.text, text, sizeof(text)));
		return -EINVAL;
	}
	r = document_check(document, &release, &refusal);
	if (r == 0)
		r = facts_from_json(document, component_derived, ret_facts, &refusal);
	if (r < 0) {
		(void)snprintf(error, error_size, "%s: %s%s%s", name, refusal.path,
			       *refusal.path ? ": " : "", refusal.text);
		return r;
	}
	*ret_release = release;
	return 0;
}
